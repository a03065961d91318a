"""Reads the sandbox model through OpenAI's Python SDK. Prints one line per fact; exits 1 at the first that is not one.

Environment: BASE_URL (ends in /v1), API_KEY, CONTROL_URL (POST a fault rule, DELETE all rules, GET the ledger).
"""
import base64
import json
import os
import struct
import sys
import urllib.request

import openai
from openai import OpenAI
from pydantic import BaseModel

BASE, KEY, CONTROL = os.environ["BASE_URL"], os.environ["API_KEY"], os.environ["CONTROL_URL"]
client = OpenAI(api_key=KEY, base_url=BASE, max_retries=0, timeout=10)

SOURCE = """The night tram between the harbour and the old observatory starts running again on Friday.
Engineers replaced 1,200 metres of rail in six weeks. The first tram leaves at 23:40 and the last one at 4:10.
Tickets cost the same as in the daytime. Residents had asked for the line since the spring."""


class Post(BaseModel):
    title: str
    text: str
    tags: list[str]
    imagePrompt: str | None
    altText: str


def control(method, rule=None):
    data = None if rule is None else json.dumps(rule).encode()
    request = urllib.request.Request(CONTROL, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def fault(kind, route="responses", times=1, **rest):
    control("POST", {"route": route, "kind": kind, "times": times, **rest})


def ask(**rest):
    return client.responses.create(model="gpt-5-mini", input=SOURCE, **rest)


def raised(kind, route="responses", call=ask, **rest):
    control("DELETE")
    fault(kind, route, **rest)
    try:
        call()
    except openai.APIError as error:
        return error
    return None


def fact(name, holds, seen=None):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f"  saw {seen!r}"), flush=True)
    if not holds:
        sys.exit(1)


parsed = client.responses.parse(model="gpt-5-mini", input=SOURCE, text_format=Post)
post = parsed.output_parsed
fact("responses.parse gives a pydantic post", isinstance(post, Post) and len(post.tags) > 0, post)
fact("the post is shorter than its source", 80 < len(post.text) < len(SOURCE), post.text)
fact("usage is counted", parsed.usage.total_tokens == parsed.usage.input_tokens + parsed.usage.output_tokens > 50, parsed.usage)
fact("output_text and status are there", ask().status == "completed" and len(ask().output_text) > 50)

raw = client.responses.with_raw_response.create(model="gpt-5-mini", input=SOURCE)
fact("every answer has a request id", raw.headers["x-request-id"].startswith("req_") and raw.parse()._request_id == raw.headers["x-request-id"])
fact("rate limits are in the headers", int(raw.headers["x-ratelimit-remaining-requests"]) > 0)

chat = client.chat.completions.parse(model="gpt-5", messages=[{"role": "user", "content": SOURCE}], response_format=Post)
fact("chat.completions.parse gives a pydantic post", isinstance(chat.choices[0].message.parsed, Post), chat)
fact("models are listed", "gpt-5" in [model.id for model in client.models.list()])
fact("a model can be retrieved", client.models.retrieve("gpt-5-mini").id == "gpt-5-mini")

image = client.images.generate(model="gpt-image-2.5-flare", prompt="a lighthouse at night", size="512x256")
png = base64.b64decode(image.data[0].b64_json)
fact("an image is a PNG of the asked size", png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (512, 256), png[:24])

error = raised("rate_limit", retryAfterSeconds=2)
fact("429 is a RateLimitError with code and retry-after", isinstance(error, openai.RateLimitError) and error.code == "rate_limit_exceeded" and error.response.headers["retry-after"] == "2", error)
error = raised("insufficient_quota")
fact("an empty account is a RateLimitError with its own code", isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota", error)
error = raised("context_length")
fact("too long an input is a BadRequestError", isinstance(error, openai.BadRequestError) and error.code == "context_length_exceeded" and error.param == "input", error)
error = raised("unauthorized")
fact("401 is an AuthenticationError", isinstance(error, openai.AuthenticationError) and error.code == "invalid_api_key", error)
error = raised("forbidden")
fact("403 is a PermissionDeniedError", isinstance(error, openai.PermissionDeniedError), error)
error = raised("server_error")
fact("500 is an InternalServerError", isinstance(error, openai.InternalServerError) and error.status_code == 500, error)
error = raised("overloaded")
fact("503 is an InternalServerError with its code", isinstance(error, openai.InternalServerError) and error.code == "server_is_overloaded", error)
error = raised("bad_gateway")
fact("an HTML 502 is an InternalServerError", isinstance(error, openai.InternalServerError) and error.status_code == 502, error)
error = raised("cut_before")
fact("a cut connection is an APIConnectionError", isinstance(error, openai.APIConnectionError), error)
error = raised("silent", call=lambda: ask(timeout=0.3))
fact("a silent server is an APITimeoutError", isinstance(error, openai.APITimeoutError), error)
error = raised("moderation_blocked", "images", lambda: client.images.generate(model="gpt-image-2.5-flare", prompt="x"))
fact("a moderated image is a BadRequestError", isinstance(error, openai.BadRequestError) and error.code == "moderation_blocked", error)

control("DELETE")
try:
    client.responses.create(model="llama-9", input="x")
    fact("an unknown model is refused", False)
except openai.NotFoundError as error:
    fact("an unknown model is a NotFoundError", error.code == "model_not_found", error)
try:
    OpenAI(api_key="sk-wrong", base_url=BASE, max_retries=0).models.list()
    fact("a wrong key is refused", False)
except openai.AuthenticationError as error:
    fact("a wrong key is an AuthenticationError", error.code == "invalid_api_key", error)
try:
    client.responses.create(model="gpt-5", input="x", text={"format": {"type": "json_schema", "name": "open", "strict": True, "schema": {"type": "object", "properties": {}}}})
    fact("an open schema is refused in strict mode", False)
except openai.BadRequestError as error:
    fact("an open schema is a BadRequestError in strict mode", error.code == "invalid_json_schema", error)

fault("refusal")
refused = client.responses.parse(model="gpt-5-mini", input=SOURCE, text_format=Post)
fact("a refusal is a content part of its own", refused.output_parsed is None and refused.output[0].content[0].type == "refusal", refused.output)
fault("truncated")
cut = ask(max_output_tokens=2000)
fact("a truncated answer is incomplete, and says why", cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens", cut)
short = ask(max_output_tokens=16)
fact("an answer over the limit is incomplete", short.status == "incomplete" and short.usage.output_tokens <= 17, short.usage)
fault("failed_response")
failed = ask()
fact("a failed response names its error", failed.status == "failed" and failed.error.code == "server_error", failed)

fault("rate_limit", times=2, retryAfterSeconds=0.05)
before = len([line for line in control("GET") if line["kind"] == "arrived"])
patient = OpenAI(api_key=KEY, base_url=BASE, max_retries=3).responses.create(model="gpt-5-mini", input=SOURCE)
after = len([line for line in control("GET") if line["kind"] == "arrived"])
fact("the SDK's own retry heeds retry-after-ms and succeeds at the third request", patient.status == "completed" and after - before == 3, after - before)
print(f"all facts hold for openai {openai.__version__}")
