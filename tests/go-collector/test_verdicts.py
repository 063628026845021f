"""What the destination says travels back to the sender as OTLP says, through our collector, Go's, and both."""

from pathlib import Path

import pytest

from chain import Chain, Hop
from everything import request
from sender import Answer, send
from sink import Refusal, Sink
from wire import LOGS, SIGNALS

PAIRS = [("grpc", "grpc"), ("grpc", "http"), ("http", "grpc"), ("http", "http")]
CHAINS = [("etalon",), ("go",), ("go", "etalon"), ("etalon", "go")]
CODES = range(1, 17)
STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 415, 418, 429, 500, 501, 502, 503, 504)
DELAYS = (None, 0, 3)

CANCELED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE = 1, 4, 8, 14
# OTLP: "Failures" of OTLP/gRPC. RESOURCE_EXHAUSTED is retryable too when it comes with RetryInfo.
RETRYABLE_CODES = {CANCELED, DEADLINE_EXCEEDED, 10, 11, UNAVAILABLE, 15}
# OTLP: "Retryable Response Codes" of OTLP/HTTP.
RETRYABLE_STATUSES = {429, 502, 503, 504}
STATUS_OF_CODE = {3: 400, 7: 403, RESOURCE_EXHAUSTED: 429, 12: 404, 16: 401, **dict.fromkeys(RETRYABLE_CODES, 503)}
CODE_OF_STATUS = {400: 3, 401: 16, 403: 7, 404: 12, 429: RESOURCE_EXHAUSTED, **dict.fromkeys((502, 503, 504), UNAVAILABLE)}
# A delay of the collector's own: between 1 and 5 seconds.
OWN = "own"

Said = tuple[int, float | str | None]


def go(outgoing: str, said: Said, incoming: str) -> Said:
    """What Go's collector tells its sender when its destination has said this. It waits as long as
    Retry-After says, and does not pass that on."""
    number, delay = said
    code, delay = (number, delay) if outgoing == "grpc" else (CODE_OF_STATUS.get(number, 2), None)
    if incoming == "grpc":
        return code, delay
    status = STATUS_OF_CODE.get(code, 500)
    return status, delay if status in (429, 503) else None


def etalon(outgoing: str, said: Said, incoming: str) -> Said:
    """What ours tells. Deliberate differences: what may be tried again always says when, but for what a
    destination may have taken already; what may not never says so, and is never a status that clients retry."""
    number, delay = said
    if outgoing == "grpc":
        code = number
        retryable = code in RETRYABLE_CODES or (code == RESOURCE_EXHAUSTED and delay is not None)
        unknown = code in (CANCELED, DEADLINE_EXCEEDED)
    else:
        code = {413: RESOURCE_EXHAUSTED}.get(number) or CODE_OF_STATUS.get(number, 2)
        retryable = number in RETRYABLE_STATUSES
        unknown = number in (502, 504)
        delay = delay if number in (429, 503) else None
    if not retryable:
        delay = None
    elif delay is None and not unknown:
        delay = OWN
    if incoming == "grpc":
        return code, delay
    status = 413 if code == RESOURCE_EXHAUSTED and not retryable else STATUS_OF_CODE.get(code, 500)
    # Zero seconds would have everybody come back at once.
    return status, 1 if delay == 0 else delay


def agrees(answer: Answer, expected: Said) -> bool:
    """Whether the sender was told what was expected."""
    number, delay = expected
    own = delay == OWN and answer.retry_delay is not None and 1 <= answer.retry_delay <= 5
    return answer.status == number and (own or answer.retry_delay == delay)


def refusals(transport: str) -> list[Refusal]:
    """Every code or status, with every delay."""
    if transport == "grpc":
        return [Refusal(code=code, retry_delay=delay) for code in CODES for delay in DELAYS]
    return [Refusal(status=status, retry_delay=delay) for status in STATUSES for delay in DELAYS]


def said(refusal: Refusal, transport: str) -> Said:
    return {"grpc": refusal.code, "http": refusal.status}[transport], refusal.retry_delay


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("programs", CHAINS, ids="-".join)
def test_a_refusal_reaches_the_sender(sink: Sink, tmp_path: Path, programs: tuple[str, ...], pair: tuple[str, str]) -> None:
    hops = [Hop(program, pair[(number + 1) % 2]) for number, program in enumerate(programs)]
    problems = []
    with Chain(hops, sink, tmp_path) as chain:
        for refusal in refusals(hops[-1].transport):
            sink.refuse_next(1, refusal)
            answer = send(pair[0], chain.address(pair[0]), LOGS, request(LOGS))
            expected = said(refusal, hops[-1].transport)
            for number, hop in reversed(list(enumerate(hops))):
                incoming = hops[number - 1].transport if number else pair[0]
                expected = {"go": go, "etalon": etalon}[hop.program](hop.transport, expected, incoming)
            if not agrees(answer, expected):
                problems.append(f"{said(refusal, hops[-1].transport)}: {expected} expected; {answer}")
            # Nobody has tried again.
            assert sink.refused() == ["logs"] and sink.received() == []
    assert not problems, "\n".join(problems)


def is_retryable(transport: str, refusal: Refusal) -> bool:
    """What OTLP says."""
    if transport == "http":
        return refusal.status in RETRYABLE_STATUSES
    return refusal.code in RETRYABLE_CODES or (refusal.code == RESOURCE_EXHAUSTED and refusal.retry_delay is not None)


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("program", ["etalon", "go"])
def test_what_is_retryable_is_tried_again_and_nothing_else(sink: Sink, tmp_path: Path, program: str, transport: str) -> None:
    soon = {"initial_interval": "10ms", "max_interval": "10ms", "randomization_factor": 0}
    problems = []
    with Chain([Hop(program, transport, {"retry_on_failure": soon})], sink, tmp_path) as chain:
        for refusal in refusals(transport):
            if refusal.retry_delay not in (None, 0):
                continue
            before = len(sink.received())
            sink.refuse_next(1, refusal)
            answer = send("grpc", chain.address("grpc"), LOGS, request(LOGS))
            retried = len(sink.received()) - before
            if answer.delivered != (retried == 1) or answer.delivered != is_retryable(transport, refusal):
                problems.append(f"{said(refusal, transport)}: tried again {retried} times; {answer}")
            sink.refuse_next(0)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("programs", CHAINS, ids="-".join)
def test_a_partial_success_is_a_success_with_a_warning(
    sink: Sink, tmp_path: Path, programs: tuple[str, ...], transport: str
) -> None:
    sink.accept_partly(2, "two too many")
    hops = [Hop(program, transport, {"retry_on_failure": {}}) for program in programs]
    with Chain(hops, sink, tmp_path) as chain:
        for signal in SIGNALS:
            answer = send(transport, chain.address(transport), signal, request(signal))
            assert answer.delivered, answer
        warning = chain.collectors[-1].wait_for_line("Partial success response")
    told = (warning.get("message"), warning.get("destination.message"))
    assert warning["level"] == "warn" and "two too many" in told, warning
    assert [received.signal for received in sink.received()] == list(SIGNALS)
