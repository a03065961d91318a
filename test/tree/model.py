"""Trees of items beside a naive model that shares nothing with the product, not even the language.

Starts Postroom (an API and a worker as processes of their own, on an empty folder), has five users change their own
and each other's trees over HTTP, upload small files, copy them and remove them for good, while the worker is killed with SIGKILL now and then, and compares everything at the
end: what every task came to, every item and its file, what every user sees in lists, searches and counts of tags.

    npm run tree:model -- --operations 20000 --seed 1

Ends with 1 where anything differs. Python's standard library only.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
USERS = ["anna", "ben", "chris", "dora", "eve"]
TAGS = ["red", "green", "blue", "été", "море", "a b"]
WORDS = ["cat", "dog", "sunset", "Übung", "море"]
NOBODY = "00000000-0000-4000-8000-000000000000"


class Item:
    def __init__(self, id, owner, parent, kind, name, tags, viewers):
        self.id, self.owner, self.parent, self.kind, self.name = id, owner, parent, kind, name
        self.tags, self.viewers = set(tags), set(viewers) - {owner}
        self.deleted_with = None
        self.children = []
        self.text, self.generation = None, 0

    def branch(self):
        yield self
        for child in self.children:
            yield from child.branch()

    def ancestors(self):
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    def effective(self):
        found = set(self.tags)
        for above in self.ancestors():
            found |= above.tags
        return found


class Tree:
    """One owner's items. What `apply` answers is the reasons for which a refusal would be right; empty: applied."""

    def __init__(self, owner):
        self.owner, self.items, self.public = owner, {}, False
        self.purged = []

    def sees(self, user, item):
        if item.deleted_with is not None:
            return False
        return self.public or user == self.owner or user in item.viewers

    def find(self, id):
        return self.items.get(id)

    def place(self, id):
        """The collection something is put into: (item or None for the top, reason of a refusal)."""
        if id is None:
            return None, None
        parent = self.find(id)
        if parent is None:
            return None, "NotFound"
        if parent.deleted_with is not None:
            return None, "Deleted"
        return (parent, None) if parent.kind == "collection" else (None, "NotACollection")

    def create(self, id, parent_id, kind, name, tags, viewers):
        parent, refused = self.place(parent_id)
        if refused:
            return refused
        inherited = parent.viewers if parent is not None else set()
        item = Item(id, self.owner, parent, kind, name, tags, inherited if viewers is None else viewers)
        self.items[id] = item
        if parent is not None:
            parent.children.append(item)

    def live(self, id):
        item = self.find(id)
        if item is None:
            return None, "NotFound"
        return (None, "Deleted") if item.deleted_with is not None else (item, None)

    def rename(self, id, name):
        item, refused = self.live(id)
        if refused:
            return refused
        item.name = name

    def move(self, id, parent_id):
        item, refused = self.live(id)
        if refused:
            return refused
        parent, refused = self.place(parent_id)
        if refused:
            return refused
        if parent is not None and (parent is item or item in parent.ancestors()):
            return "WouldCycle"
        if item.parent is not None:
            item.parent.children.remove(item)
        item.parent = parent
        if parent is not None:
            parent.children.append(item)

    def set_tags(self, id, change):
        item, refused = self.live(id)
        if refused:
            return refused
        start = set(change["set"]) if "set" in change else item.tags
        item.tags = (start | set(change.get("add", []))) - set(change.get("remove", []))

    def set_access(self, id, change):
        item, refused = self.live(id)
        if refused:
            return refused
        grant, revoke = set(change.get("grant", [])), set(change.get("revoke", []))
        if "set" in change:
            grant |= set(change["set"]) - item.viewers
            revoke |= item.viewers - set(change["set"])
        grant, revoke = grant - revoke - {self.owner}, revoke - {self.owner}
        item.viewers = (item.viewers | grant) - revoke
        for below in item.branch():
            if below is not item and change.get("children") == "copy":
                below.viewers = set(item.viewers)
            elif below is not item and change.get("children") == "delta":
                below.viewers = (below.viewers | grant) - revoke
        if change.get("parents"):
            for above in item.ancestors():
                above.viewers |= grant
                for user in revoke:
                    rest = (one for one in above.branch() if one is not above and one.deleted_with is None)
                    if not any(user in one.viewers for one in rest):
                        above.viewers.discard(user)

    def delete(self, id):
        item, refused = self.live(id)
        if refused:
            return refused
        for one in item.branch():
            one.deleted_with = one.deleted_with or item.id

    def restore(self, id):
        item = self.find(id)
        if item is None:
            return "NotFound"
        if item.deleted_with is None:
            return "NotDeleted"
        if item.deleted_with != item.id or (item.parent is not None and item.parent.deleted_with is not None):
            return "Deleted"
        for one in item.branch():
            if one.deleted_with == item.id:
                one.deleted_with = None

    def upload(self, id, parent_id, name, tags, viewers, text):
        refused = self.create(id, parent_id, "item", name, tags, viewers)
        if refused:
            return refused
        self.give(self.items[id], text)

    def give(self, item, text):
        item.text, item.generation = text, item.generation + 1

    def holder(self, id):
        item, refused = self.live(id)
        if refused:
            return None, refused
        return (item, None) if item.kind == "item" else (None, "IsACollection")

    def set_content(self, id, text):
        item, refused = self.holder(id)
        if refused:
            return refused
        self.give(item, text)

    def copy_content(self, id, source_id):
        item, refused = self.holder(id)
        if refused:
            return refused
        source, refused = self.live(source_id)
        if refused:
            return "NotFound"
        if source.text is None:
            return "NoContent"
        if source is not item:
            self.give(item, source.text)

    def copy(self, id, source_id, parent_id):
        """Of items without others below them."""
        parent, refused = self.place(parent_id)
        if refused:
            return refused
        source, refused = self.live(source_id)
        if refused:
            return "NotFound"
        self.create(id, parent_id, source.kind, source.name, source.tags, None)
        if source.text is not None:
            self.give(self.items[id], source.text)

    def purge(self, id):
        item = self.find(id)
        if item is None:
            return "NotFound"
        if item.deleted_with is None:
            return "NotDeleted"
        if item.parent is not None:
            item.parent.children.remove(item)
        for one in list(item.branch()):
            del self.items[one.id]
            self.purged.append(one.id)

    def set_public(self, public):
        self.public = public


def form(fields, text):
    """A form with a file; lists are several fields of one name, and what is null is left out."""
    parts = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            word = json.dumps(one) if isinstance(one, bool) else one
            parts.append(f'content-disposition: form-data; name="{name}"\r\n\r\n{word}')
    parts.append(f'content-disposition: form-data; name="file"; filename="a file.txt"\r\n\r\n{text}')
    return "".join(f"--a-boundary\r\n{part}\r\n" for part in parts).encode() + b"--a-boundary--\r\n"


class Api:
    """One connection."""

    def __init__(self, host, port, token):
        self.connection = http.client.HTTPConnection(host, port, timeout=60)
        self.token, self.used_at = token, time.monotonic()

    def call(self, method, path, body=None, key=None, file=None):
        headers = {"authorization": f"Bearer {self.token}"}
        if file is not None:
            headers["content-type"] = "multipart/form-data; boundary=a-boundary"
        elif body is not None:
            headers["content-type"] = "application/json"
        if key is not None:
            headers["idempotency-key"] = key
        text = form(body, file) if file is not None else None if body is None else json.dumps(body).encode()
        # A server closes a connection that was silent for some seconds, perhaps just when something is sent.
        if time.monotonic() - self.used_at > 2:
            self.connection.close()
        self.used_at = time.monotonic()
        self.connection.request(method, "/api/v1" + path, text, headers)
        response = self.connection.getresponse()
        answer = response.read()
        if "json" in response.getheader("content-type", ""):
            answer = json.loads(answer)
        self.used_at = time.monotonic()
        return response.status, answer

    def get(self, path):
        status, answer = self.call("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {answer}")
        return answer

    def pages(self, path, part):
        cursor = ""
        while True:
            page = self.get(f"{path}{cursor}")
            yield from page[part]
            if page["next"] is None:
                return
            cursor = "&cursor=" + quote(page["next"])


class Program:
    """A process of Postroom; what it says is read until a pattern matches."""

    def __init__(self, node, folder, roles):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.log = open(folder / f"{roles}.log", "ab")
        self.process = subprocess.Popen(
            [node, str(ROOT / "src" / "main.ts"), "start", "--roles", roles],
            cwd=folder,
            env={**inherited, "DATA_DIR": str(folder / "data"), "HTTP_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        self.said = ""

    def until(self, pattern):
        while True:
            match = re.search(pattern, self.said)
            if match:
                return match
            line = self.process.stdout.readline().decode()
            if line == "":
                raise AssertionError(f"the program ended before it said {pattern}: {self.said}")
            self.said += line

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)
        self.log.close()


class Client(threading.Thread):
    """Changes one owner's tree, one command after the other, and keeps what each has to come to."""

    def __init__(self, run, owner, count):
        super().__init__()
        self.run_, self.owner, self.count = run, owner, count
        self.api = Api(*run.address)
        self.chance = random.Random(f"{run.seed}/{owner}")
        self.tree = run.trees[owner]
        self.expected = {}
        self.error = None

    def run(self):
        try:
            for n in range(self.count):
                self.step(n)
        except BaseException as error:
            self.error = error

    def some(self, words):
        return [word for word in words if self.chance.random() < 0.35]

    def any_item(self):
        return self.chance.choice(self.ids) if self.ids else NOBODY

    def collection(self):
        if self.chance.random() < 0.12 or not self.ids:
            return None
        for _ in range(5):
            item = self.tree.items[self.chance.choice(self.ids)]
            if item.kind == "collection" or self.chance.random() < 0.05:
                return item.id
        return None

    def draw_file(self):
        tree, dice = self.tree, self.chance.random()
        files = [one.id for one in tree.items.values() if one.kind == "item"] or [NOBODY]
        item = self.chance.choice(files) if self.chance.random() < 0.9 else self.any_item()
        self.file = None
        if dice < 0.4:
            parent, name, tags = self.collection(), self.chance.choice(WORDS) + ".txt", self.some(TAGS)
            viewers = self.some(USERS) or None
            self.file = text = f"{self.chance.choice(WORDS)} {self.chance.randrange(9)}"
            fields = {"name": name, "parent": parent, "tags": tags, "viewers": viewers}
            return "POST", "/items/upload", fields, lambda id: tree.upload(id, parent, name, tags, viewers, text)
        if dice < 0.55:
            self.file = text = f"other {self.chance.randrange(9)}"
            return "PUT", f"/items/{item}/content", {}, lambda _: tree.set_content(item, text)
        if dice < 0.7:
            source = self.chance.choice(files)
            path = f"/items/{item}/content/copy"
            return "POST", path, {"from": source}, lambda _: tree.copy_content(item, source)
        if dice < 0.9:
            source, parent = self.chance.choice(files), self.collection()
            path = f"/items/{source}/copy"
            return "POST", path, {"parent": parent}, lambda id: tree.copy(id, source, parent)
        gone = [one.id for one in tree.items.values() if one.deleted_with == one.id]
        item = self.chance.choice(gone) if gone else item
        return "POST", f"/items/{item}/purge", {}, lambda _: tree.purge(item)

    def draw(self):
        """(method, path, fields, how the model does it given the task's id); `self.file` is what goes with it"""
        self.ids, self.file = list(self.tree.items), None
        tree, dice = self.tree, self.chance.random()
        if len(self.ids) >= 3 and self.chance.random() < 0.25:
            return self.draw_file()
        if dice < 0.34 or len(self.ids) < 3:
            parent, tags = self.collection(), self.some(TAGS) if self.chance.random() < 0.5 else []
            kind = "collection" if self.chance.random() < 0.7 else "item"
            name = f"{self.chance.choice(WORDS)} {self.chance.randrange(50)}.jpg"
            viewers = self.some(USERS) if self.chance.random() < 0.5 else None
            fields = {"type": kind, "name": name, "parent": parent, "tags": tags}
            if viewers is not None:
                fields["viewers"] = viewers
            return "POST", "/items", fields, lambda id: tree.create(id, parent, kind, name, tags, viewers)
        item = self.any_item()
        if dice < 0.39:
            name = self.chance.choice(WORDS) + " renamed"
            return "PUT", f"/items/{item}/name", {"name": name}, lambda _: tree.rename(item, name)
        if dice < 0.51:
            to = self.any_item() if self.chance.random() < 0.1 else self.collection()
            return "PUT", f"/items/{item}/parent", {"parent": to}, lambda _: tree.move(item, to)
        if dice < 0.68:
            change = {"set": self.some(TAGS)} if self.chance.random() < 0.2 else {}
            change = change or {"add": self.some(TAGS), "remove": self.some(TAGS)}
            return "PUT", f"/items/{item}/tags", change, lambda _: tree.set_tags(item, change)
        if dice < 0.86:
            change = {"set": self.some(USERS)} if self.chance.random() < 0.25 else {}
            change = change or {"grant": self.some(USERS), "revoke": self.some(USERS)}
            change["parents"] = self.chance.random() < 0.4
            if self.chance.random() < 0.7:
                change["children"] = self.chance.choice(["delta", "delta", "copy"])
            return "PUT", f"/items/{item}/access", change, lambda _: tree.set_access(item, change)
        if dice < 0.90:
            return "DELETE", f"/items/{item}", None, lambda _: tree.delete(item)
        if dice < 0.97:
            gone = [one.id for one in tree.items.values() if one.deleted_with is not None]
            item = self.chance.choice(gone) if gone else item
            return "POST", f"/items/{item}/restore", {}, lambda _: tree.restore(item)
        public = self.chance.random() < 0.5
        return "PUT", f"/users/{self.owner}/public", {"public": public}, lambda _: tree.set_public(public)

    def step(self, n):
        method, path, fields, apply = self.draw()
        by = self.owner if self.chance.random() < 0.85 else self.chance.choice(USERS)
        admin = self.chance.random() < 0.05
        if fields is not None and method == "POST" and fields.get("parent", "") is None and by != self.owner:
            # At the top of the tree of who asks.
            return
        acting = {"user": by, "admin": admin}
        if fields is None:
            path, body = f"{path}?user={by}&admin={str(admin).lower()}", None
        else:
            body = {**acting, **fields}
        key = f"{self.owner}-{n}" if self.chance.random() < 0.1 else None
        status, answer = self.api.call(method, path, body, key, self.file)
        may = admin or by == self.owner
        if key is not None and self.chance.random() < 0.5:
            again = self.api.call(method, path, body, key, self.file)
            # Whether another user sees the item changes as what was accepted before is applied, also between the two.
            if status == 404 and not may:
                status, answer = again
            elif may or again[0] != 404:
                assert again == (status, answer), f"{method} {path} {body}: {status} {answer}, then {again}"
        if status == 404:
            # Nobody in the tree has it, or not the one who asks; before the commands are applied both may be.
            assert not may or NOBODY in path, f"{method} {path} {body}: {answer}"
            return
        assert status == 202, f"{method} {path} {body}: {status} {answer}"
        task = answer["taskId"]
        refused = apply(task) if may else "Foreign"
        self.expected[task] = refused


def content_of(item):
    if item.text is None:
        return None
    text = item.text.encode()
    known = {"gen": item.generation, "status": "available", "type": "text/plain"}
    unknown = ["reason", "message", "width", "height", "thumbhash", "degraded", "exif"]
    return {**known, "size": len(text), "sha256": hashlib.sha256(text).hexdigest(), **dict.fromkeys(unknown)}


class Run:
    def __init__(self, options, folder):
        self.seed, self.options, self.folder = options.seed, options, folder
        self.trees = {user: Tree(user) for user in USERS}
        self.kills, self.differences = 0, []
        self.kills_wanted = options.operations // 1000 + 1 if options.kills is None else options.kills

    def differ(self, what):
        self.differences.append(what)
        if len(self.differences) <= 20:
            print(f"difference: {what}", flush=True)

    def same(self, what, found, expected):
        if found != expected:
            self.differ(f"{what}: found {found}, expected {expected}")

    def play(self):
        """Has the users change the trees while the worker is killed, and waits until all is applied."""
        api = Program(self.options.node, self.folder, "api")
        worker = None
        try:
            port = int(api.until(r"API at http://127\.0\.0\.1:(\d+)")[1])
            token = api.until(r"Your token, shown this once: (\S+)")[1]
            self.address = ("127.0.0.1", port, token)
            worker = Program(self.options.node, self.folder, "tree")
            worker.until("Postroom runs")
            each = self.options.operations // len(USERS)
            clients = [Client(self, owner, each) for owner in USERS]
            chance = random.Random(f"{self.seed}/kills")
            for client in clients:
                client.start()
            control = Api(*self.address)

            def is_applying():
                return any(control.get(f"/items?user={user}&limit=1")["applying"] for user in USERS)

            # Also while nothing is posted any more: more is accepted at first than is applied.
            while self.kills < self.kills_wanted:
                time.sleep(chance.uniform(0.3, self.options.every))
                worker.end(signal.SIGKILL)
                self.kills += 1
                worker = Program(self.options.node, self.folder, "tree")
                worker.until("Postroom runs")
            for client in clients:
                client.join()
                if client.error is not None:
                    raise client.error
            while is_applying():
                time.sleep(0.05)
            expected = {task: refused for client in clients for task, refused in client.expected.items()}
            self.compare(control, expected)
            return len(expected)
        finally:
            if worker is not None:
                worker.end(signal.SIGKILL)
            api.end(signal.SIGTERM)

    def compare(self, api, expected):
        self.compare_tasks(api, expected)
        self.compare_items(api)
        for user in [*USERS, None]:
            self.compare_sight(api, user)

    def compare_tasks(self, api, expected):
        # What was applied is written down a moment later.
        while any(True for _ in api.pages("/tasks?queue=tree&status=queued,in_progress&limit=500", "tasks")):
            time.sleep(0.05)
        found = {task["id"]: task for task in api.pages("/tasks?queue=tree&limit=500", "tasks")}
        self.same("accepted tasks", len(found), len(expected))
        for id, refused in expected.items():
            task = found.get(id)
            if task is None:
                self.differ(f"task {id} is missing")
                continue
            reason = (task["reason"] or "").split(":")[0]
            if refused == "Foreign":
                ok = task["status"] == "failed" and reason in ("NotOwner", "NotFound")
            elif refused is not None:
                ok = task["status"] == "failed" and reason == refused
            else:
                ok = task["status"] == "succeeded"
            if not ok:
                self.differ(f"task {id}: {task['status']} {task['reason']}, expected {refused}")

    def compare_items(self, api):
        for owner, tree in self.trees.items():
            seen, left = {}, [f"/items?admin=true&owner={owner}&limit=500"]
            while left:
                for item in api.pages(left.pop(), "items"):
                    seen[item["id"]] = item
                    if item["type"] == "collection":
                        left.append(f"/items?admin=true&parent={item['id']}&limit=500")
            live = {item.id for item in tree.items.values() if item.deleted_with is None}
            self.same(f"live items of {owner}", len(seen), len(live))
            gone = [item for item in tree.items.values() if item.deleted_with is not None]
            sample = random.Random(self.seed).sample(gone, min(len(gone), 200))
            for item in sample:
                seen[item.id] = api.get(f"/items/{item.id}?admin=true")["item"]
            for id in live | {item.id for item in sample}:
                item, found = tree.items[id], seen.get(id)
                self.same(f"item {id} of {owner}", found, {
                    "id": id,
                    "owner": owner,
                    "parent": item.parent.id if item.parent is not None else None,
                    "type": item.kind,
                    "name": item.name,
                    "tags": sorted(item.tags),
                    "effectiveTags": sorted(item.effective()),
                    "viewers": sorted(item.viewers),
                    "deletedWith": item.deleted_with,
                    "content": content_of(item),
                })
            files = [item for item in tree.items.values() if item.text is not None]
            for item in random.Random(self.seed).sample(files, min(len(files), 200)):
                found = api.call("GET", f"/items/{item.id}/content?admin=true")
                self.same(f"the file of {item.id}", found, (200, item.text.encode()))
            for id in tree.purged:
                self.same(f"purged {id}", api.call("GET", f"/items/{id}?admin=true")[0], 404)

    def compare_sight(self, api, user):
        who = "" if user is None else f"&user={user}"
        visible = [item for tree in self.trees.values() for item in tree.items.values() if tree.sees(user, item)]
        tags = {item.id: item.effective() for item in visible}
        counts = {}
        for one in tags.values():
            for tag in one:
                counts[tag] = counts.get(tag, 0) + 1
        found = {tag["tag"]: tag["count"] for tag in api.get(f"/tags?limit=500{who}")["tags"]}
        self.same(f"tags that {user} sees", found, counts)
        for wanted in [["red"], ["a b"], ["été", "blue"], ["red", "green", "море"]]:
            place = f"/search?limit=100&tags={quote(','.join(wanted))}{who}"
            ids = sorted(item["id"] for item in api.pages(place, "items"))
            right = sorted(item.id for item in visible if set(wanted) <= tags[item.id])
            self.same(f"what {user} finds by {wanted}", ids, right)
        for word in ["sun", "übung", "renamed"]:
            ids = sorted(item["id"] for item in api.pages(f"/search?limit=100&q={quote(word)}{who}", "items"))
            names = [(item.id, re.findall(r"\w+", item.name.lower())) for item in visible]
            self.same(f"what {user} finds by {word}", ids,
                      sorted(id for id, words in names if any(one.startswith(word) for one in words)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    own = ROOT / "node_modules" / ".bin" / "node"
    parser.add_argument("--operations", type=int, default=2000, help="commands in all (2000)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn from it: the commands and the kills (1)")
    parser.add_argument("--kills", type=int, help="so many SIGKILLs of the worker (1, and 1 more for every 1,000 operations)")
    parser.add_argument("--every", type=float, default=4, help="at most so many seconds from a start to the next (4)")
    parser.add_argument("--node", default=str(own) if own.exists() else "node", help="the Node to run it with")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="postroom-tree-"))
    begun = time.monotonic()
    run = Run(options, folder)
    try:
        commands = run.play()
    finally:
        if sys.exc_info()[0] is None and not run.differences:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"what was written stands in {folder}", flush=True)
    items = sum(len(tree.items) for tree in run.trees.values())
    print(json.dumps({
        "operations": options.operations,
        "accepted": commands,
        "items": items,
        "kills": run.kills,
        "differences": len(run.differences),
        "seconds": round(time.monotonic() - begun, 1),
        "seed": options.seed,
    }), flush=True)
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
