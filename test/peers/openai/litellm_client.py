"""Reads the sandbox model through LiteLLM as a proxy, with OpenAI's Python SDK in front.

Environment: BASE_URL of the proxy (ends in /v1), API_KEY (the proxy's master key).
"""
import base64
import os
import sys

import openai
from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(api_key=os.environ["API_KEY"], base_url=os.environ["BASE_URL"], max_retries=0, timeout=30)
SOURCE = "The library on Garden Street lends drills now. It opened a shelf of things on Monday. The first drill was borrowed within nine minutes, and it came back clean."


class Post(BaseModel):
    title: str
    text: str


def fact(name, holds, seen=None):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f"  saw {seen!r}"), flush=True)
    if not holds:
        sys.exit(1)


parsed = client.responses.parse(model="gpt-5-mini", input=SOURCE, text_format=Post)
fact("responses.parse through the proxy", isinstance(parsed.output_parsed, Post), parsed)
fact("usage comes through", parsed.usage.input_tokens > 10, parsed.usage)
chat = client.chat.completions.parse(model="gpt-5", messages=[{"role": "user", "content": SOURCE}], response_format=Post)
fact("chat.completions.parse through the proxy", isinstance(chat.choices[0].message.parsed, Post), chat)
image = client.images.generate(model="gpt-image-2.5-flare", prompt="a shelf of tools", size="256x256")
fact("an image through the proxy", base64.b64decode(image.data[0].b64_json or "").startswith(b"\x89PNG"), image)
try:
    for _ in range(8):
        client.responses.create(model="gpt-limited", input=SOURCE)
    fact("the proxy's own limiter answers", False)
except openai.RateLimitError as error:
    fact("the proxy's own limiter answers 429 without retry-after", "retry-after" not in error.response.headers, dict(error.response.headers))
try:
    OpenAI(api_key="sk-wrong", base_url=os.environ["BASE_URL"], max_retries=0).models.list()
    fact("the proxy refuses a wrong key", False)
except openai.APIStatusError as error:
    fact("the proxy refuses a wrong key", error.status_code in (400, 401), error)
print("all facts hold through LiteLLM")
