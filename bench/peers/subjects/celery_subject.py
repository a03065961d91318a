"""Celery on Redis, acknowledging late. VISIBILITY_S: seconds after which what a dead worker held is given to another."""
import os
import sys
import threading
import time

from celery import Celery
from celery.signals import worker_ready

env = os.environ
app = Celery("crash", broker=env["REDIS_URL"] + "/0", backend=env["REDIS_URL"] + "/1")
app.conf.update(
    task_default_queue="crash",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    result_backend_thread_safe=True,
    broker_connection_retry_on_startup=True,
    worker_redirect_stdouts=False,
)
if "VISIBILITY_S" in env:
    app.conf.broker_transport_options = {"visibility_timeout": int(env["VISIBILITY_S"])}


def log(name):
    fd = os.open(os.path.join(env["FOLDER"], name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda kind, n, user, seq: os.write(
        fd, f"{kind} {n} {user} {seq} {time.clock_gettime(time.CLOCK_MONOTONIC) * 1000:.3f}\n".encode()
    )


events = log("events.log")


@app.task(name="task")
def task(n, user, seq):
    events("S", n, user, seq)
    time.sleep(int(env["TASK_MS"]) / 1000)
    events("E", n, user, seq)


def ready():
    sys.stdout.write("READY\n")
    sys.stdout.flush()


def produce():
    acknowledged = log("produced.log")
    rate, users = int(env["RATE"]), int(env["USERS"])
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    ready()
    begun, n = time.monotonic(), 0
    with app.producer_pool.acquire(block=True) as producer:
        while not ended.is_set():
            user, seq = f"user-{n % users}", n // users
            task.apply_async((n, user, seq), producer=producer)
            acknowledged("A", n, user, seq)
            n += 1
            time.sleep(max(0, begun + n / rate - time.monotonic()))


verb = sys.argv[1]
if verb == "store":
    ready()
    sys.stdin.read()
elif verb == "work":
    worker_ready.connect(lambda **_: ready(), weak=False)
    app.worker_main(["worker", "-P", "threads", "-c", env["CONCURRENCY"], "-Q", "crash", "-l", "ERROR"])
else:
    produce()
