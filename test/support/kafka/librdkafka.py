"""Writes to and reads from Kafka by librdkafka, as a program of somebody else does. Lines of JSON in, lines of JSON out.

produce CONFIG: takes {"topic", "key", "value", "headers", "partition"?} a line, bytes in base64;
                answers {"partition", "offset"} for each, in their order, once all are there.
consume CONFIG TOPIC COUNT: answers {"partition", "offset", "key", "value", "headers"} for each, by a consumer group.
"""

import base64
import json
import sys

from confluent_kafka import Consumer, Producer


def bytes_of(text):
    return None if text is None else base64.b64decode(text)


def text_of(data):
    return None if data is None else base64.b64encode(data).decode()


def produce(config):
    answers = []
    producer = Producer(config)
    for at, line in enumerate(sys.stdin):
        record = json.loads(line)
        answers.append(None)

        def told(error, message, at=at):
            answers[at] = {"error": str(error)} if error else {"partition": message.partition(), "offset": message.offset()}

        producer.produce(
            record["topic"],
            key=bytes_of(record["key"]),
            value=bytes_of(record["value"]),
            headers=[(name, value.encode()) for name, value in record["headers"].items()],
            on_delivery=told,
            **({"partition": record["partition"]} if "partition" in record else {}),
        )
    producer.flush(30)
    for answer in answers:
        print(json.dumps(answer))


def consume(config, topic, count):
    consumer = Consumer({"auto.offset.reset": "earliest", **config})
    consumer.subscribe([topic])
    found = 0
    while found < int(count):
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing came for 30 s")
        if message.error():
            continue
        found += 1
        print(
            json.dumps(
                {
                    "partition": message.partition(),
                    "offset": message.offset(),
                    "key": text_of(message.key()),
                    "value": text_of(message.value()),
                    "headers": {name: value.decode() for name, value in message.headers() or []},
                }
            )
        )
    consumer.close()


config = json.loads(sys.argv[2])
if sys.argv[1] == "produce":
    produce(config)
else:
    consume(config, *sys.argv[3:])
