"""What a round of decisions would write: pure, so that a lost race costs nothing but another round."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vonglau.errors import VonglauError
from vonglau.eventlog.decision import Call, Command, Event, On
from vonglau.eventlog.event import BODY, REQUEST, AggregateStream, Version
from vonglau.eventlog.headers import HeaderWriter
from vonglau.eventlog.history import Answered, History, must_be_the_same
from vonglau.eventlog.port import Append

Outcome = Version | VonglauError


class Plan:
    """Takes commands in order; each sees what the ones before it would write."""

    def __init__(self, histories: Mapping[AggregateStream, History[Any]], headers: HeaderWriter) -> None:
        self.histories = dict(histories)
        self.appends: list[Append] = []
        self.unprotected: set[AggregateStream] = set()  # decided on, but guarded by no expectation
        self._loaded = dict(histories)
        self._headers = headers
        self._written: dict[AggregateStream, int] = {}  # index of each stream's last append
        self._requests: dict[tuple[AggregateStream, str], str] = {}  # by stream and request that writes to it in this batch: the request's body

    def take(self, command: Command[Any]) -> Outcome | AggregateStream:
        """The command's outcome: an error, a version, or the stream whose new version the batch will give it."""
        history = self.histories[command.stream]
        others = [self.histories[stream].state for stream, _ in command.alongside]
        try:
            answered: Version | None = history.answer(command.call)
            if answered is not None:
                return answered
            if self._is_repeated(command):
                return command.stream
            events = list(command.decision(history.state, *others))
        except VonglauError as refusal:
            self.unprotected.update(stream for stream in command.reads if stream not in self._written)
            return refusal
        if not events:
            self.unprotected.update(stream for stream in command.reads if stream not in self._written)
            return command.stream if command.stream in self._written else history.version
        for event in events:
            stream, body = event if isinstance(event, On) else (command.stream, event)
            self._add(stream, body, command.call)
        self.unprotected.difference_update(self._written)
        self.unprotected.update(stream for stream in command.reads if stream not in self._written)
        return command.stream if command.stream in self._written else history.version

    def outcomes(self, taken: Sequence[Outcome | AggregateStream], sequences: Sequence[int]) -> list[Outcome]:
        """What was taken, with the sequences that the store gave."""
        return [Version(outcome.log, sequences[self._written[outcome]]) if isinstance(outcome, AggregateStream) else outcome for outcome in taken]

    def stored(self, sequences: Sequence[int]) -> list[History[Any]]:
        """The histories as they are once the batch is stored, for the cache."""
        answered: dict[AggregateStream, dict[str, Answered]] = {stream: {} for stream in self._written}
        for append, sequence in zip(self.appends, sequences, strict=True):
            if request := append.headers.get(REQUEST):
                answered[append.stream][request] = Answered(sequence, append.headers.get(BODY, ""))
        return [self._advanced(history, sequences, answered) for history in self.histories.values()]

    def _advanced(self, history: History[Any], sequences: Sequence[int], answered: Mapping[AggregateStream, Mapping[str, Answered]]) -> History[Any]:
        stream = history.stream
        if stream not in self._written:
            return history
        return replace(history, sequence=sequences[self._written[stream]], answered={**history.answered, **answered[stream]})

    def _is_repeated(self, command: Command[Any]) -> bool:
        """Whether a command before it in the batch is the same request. Raises: Invalid (REQUEST_ID_REUSED)."""
        body = self._requests.get((command.stream, command.call.request)) if command.call.request else None
        if body is None:
            return False
        must_be_the_same(body, command.call)
        return True

    def _add(self, stream: AggregateStream, event: Event, call: Call) -> None:
        history = self.histories[stream]  # a decision writes only to what it was given to read
        state = history.fold.evolve(history.state, event)
        position = history.position + 1
        self.histories[stream] = replace(history, state=state, position=position)
        headers = self._headers.write(event, stream.subject, call, position)
        self._written[stream] = len(self.appends)
        self._requests[stream, call.request] = call.body
        self.appends.append(Append(stream, self._loaded[stream].sequence, headers, event.SerializeToString()))
