"""Telethon 1.39.0 (layer 199) against Postroom's sandbox Telegram, through its high-level calls: signs in, reads a
channel, posts on another, and checks every answer. Usage: telethon_client.py <sandbox.json>. Exits 1 on a difference."""
import asyncio
import base64
import hashlib
import io
import json
import sys

import telethon
from telethon import TelegramClient, errors, functions, types
from telethon.crypto import rsa
from telethon.network import ConnectionTcpFull
from telethon.sessions import MemorySession

box = json.load(open(sys.argv[1]))
rsa.add_key(box["pem"], old=False)


def check(ok, fact, got=""):
    if not ok:
        print("FAIL", fact, got)
        sys.exit(1)
    print("ok  ", fact)


async def refused(call, error, fact):
    try:
        await call
    except error:
        return check(True, fact)
    check(False, fact)


async def main():
    session = MemorySession()
    session.set_dc(2, "127.0.0.1", box["port"])
    client = TelegramClient(session, 1, "hash", connection=ConnectionTcpFull, connection_retries=1, request_retries=1,
                            flood_sleep_threshold=0, receive_updates=False)
    await client.start(bot_token=box["botToken"])
    me = await client.get_me()
    check(me.username == box["username"], "a bot token signs in", me)

    source = await client.get_entity("source_channel")
    posts = [post async for post in client.iter_messages(source, reverse=True)]
    check([post.id for post in posts] == list(range(1, box["posts"] + 1)), "history is complete, oldest first")
    check(posts[0].entities[1].url == "https://t.me/+a__b", "a link entity keeps its plus and underscores")
    content = await client.download_media(posts[1], file=bytes)
    check(hashlib.sha256(content).hexdigest() == box["photoHash"], "a photo downloads with the bytes posted")

    target = await client.get_entity("target_channel")
    sent = await client.send_message(target, "hi from **Telethon** 😀", parse_mode="md")
    again = (await client.get_messages(target, ids=[sent.id]))[0]
    check(again.message == "hi from Telethon 😀" and isinstance(again.entities[0], types.MessageEntityBold), "a text is posted")
    request = functions.messages.SendMessageRequest(peer=target, message="once", random_id=sent.id + 10**12)
    ids = [[u.id for u in (await client(request)).updates if isinstance(u, types.UpdateMessageID)] for _ in range(2)]
    check(ids[0] == ids[1] and len(ids[0]) == 1, "a repeated random id is answered with the same message", ids)

    pictures = []
    for name in ("a.jpg", "b.jpg"):
        file = io.BytesIO(base64.b64decode(box["picture"]))
        file.name = name
        pictures.append(file)
    album = await client.send_file(target, pictures, caption=["one", "two"])
    check(len(album) == 2 and album[0].grouped_id == album[1].grouped_id is not None, "an album is posted")

    await refused(client.send_message(target, "x" * 4097), errors.MessageTooLongError, "4097 characters are too long")
    await refused(client.send_message(source, "no"), errors.ChatWriteForbiddenError, "a channel of others refuses posts")
    edited = await client.edit_message(target, sent.id, "edited by Telethon")
    check(edited.message == "edited by Telethon", "a post is edited")
    await client.delete_messages(target, [sent.id])
    check((await client.get_messages(target, ids=[sent.id]))[0] is None, "a post is deleted")
    await client.disconnect()


print("telethon", telethon.__version__)
asyncio.run(asyncio.wait_for(main(), 60))
