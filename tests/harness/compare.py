"""Item by item: what was sent against what arrived."""

import difflib
from collections import Counter
from typing import Iterable

from google.protobuf.message import Message

from wire import Item, Signal, items

MOST_SHOWN = 5


def differences(signal: Signal, sent: Iterable[Message], arrived: Iterable[Message]) -> list[str]:
    """What is missing, what is there that was not sent, and what changed; empty when all is equal.

    How items are spread over requests is not compared, since a collector may join and split them.
    Everything else is: each field of each item, of its scope and of its resource, and the order of
    what is repeated inside them.
    """
    expected = [item for request in sent for item in items(signal, request)]
    actual = [item for request in arrived for item in items(signal, request)]
    missing, surplus = _subtract(expected, actual), _subtract(actual, expected)
    problems = []
    for item in missing[:MOST_SHOWN]:
        changed = _nearest(item, surplus)
        if changed is None:
            problems.append(f"{signal.name}: {item.label()} did not arrive")
        else:
            surplus.remove(changed)
            diff = difflib.unified_diff(item.lines(), changed.lines(), "sent", "arrived", n=1, lineterm="")
            problems.append(f"{signal.name}: {item.label()} changed:\n" + "\n".join(diff))
    if len(missing) > MOST_SHOWN:
        problems.append(f"{signal.name}: and {len(missing) - MOST_SHOWN} more did not arrive as sent")
    elif surplus:
        problems += [f"{signal.name}: {item.label()} arrived but was not sent, or not so often" for item in surplus]
    return problems


def _subtract(these: list[Item], those: list[Item]) -> list[Item]:
    left = Counter(item.key() for item in those)
    rest = []
    for item in these:
        key = item.key()
        if left[key] > 0:
            left[key] -= 1
        else:
            rest.append(item)
    return rest


def _nearest(item: Item, candidates: list[Item]) -> Item | None:
    """The item that `item` has become, by its id or else its name."""
    span_id = getattr(item.item, "span_id", b"")
    for candidate in candidates:
        if span_id and candidate.item.span_id == span_id and candidate.label() == item.label():
            return candidate
    return next((candidate for candidate in candidates if candidate.label() == item.label()), None)
