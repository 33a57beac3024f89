"""Which model should I use: questions, rules and reasons, read from ``assets/guide/choose.toml``.  No Qt, no torch.

Answers are a dict from a question's id to an answer's id.  Everything here is a pure function of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playground.tabs.guide.figures import Figure, figure
from playground.tabs.guide.links import Link, link, read

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """One way to answer; ``exact`` is the term of the field."""

    id: str
    text: str
    exact: str


@dataclass(frozen=True)
class Question:
    """Asked if ``condition`` fits what was answered before."""

    id: str
    text: str
    answers: tuple[Answer, ...]
    condition: Mapping[str, list[str]]


@dataclass(frozen=True)
class Reason:
    """A sentence, where it can be seen (the first link that is here counts), and what was measured of it."""

    text: str
    links: tuple[Link, ...]
    family: str = ""  # of a runner-up
    figure: Figure | None = None


@dataclass(frozen=True)
class Recommendation:
    """The end of the conversation."""

    rule: str
    family: str
    title: str
    reasons: tuple[Reason, ...]
    runners: tuple[Reason, ...]
    advice: tuple[str, ...]


def fits(condition: Mapping[str, list[str]], answers: Answers) -> bool:
    """Whether every named question was answered by one of those listed."""
    return all(answers.get(question) in allowed for question, allowed in condition.items())


class Rules:
    """The conversation as data."""

    def __init__(self, raw: Mapping[str, Any] | None = None) -> None:
        raw = read("choose") if raw is None else raw
        self.questions = tuple(
            Question(q["id"], q["text"], tuple(Answer(**a) for a in q["answers"]), q.get("if", {}))
            for q in raw["question"]
        )
        self.rules: list[Mapping[str, Any]] = raw["rule"]
        self.advice: list[Mapping[str, Any]] = raw["advice"]
        self._reasons = {name: _reason(one) for name, one in raw["reason"].items()}
        self._runners = {name: _reason(one) for name, one in raw["runner"].items()}

    def asked(self, answers: Answers) -> list[Question]:
        """The questions so far, the open one last; all of them answered at the end."""
        out, known = [], {}  # type: ignore[var-annotated]
        for question in self.questions:
            if fits(question.condition, known):
                out.append(question)
                if question.id not in answers:
                    return out
                known[question.id] = answers[question.id]
        return out

    def open_question(self, answers: Answers) -> Question | None:
        """What is asked next, None at the end."""
        last = self.asked(answers)[-1]
        return None if last.id in answers else last

    def changed(self, answers: Answers, question: str, answer: str) -> dict[str, str]:
        """Another answer to one question; the others stay, but for those that are not asked any more."""
        new = {**answers, question: answer}
        asked = {q.id for q in self.asked(new)}
        return {name: value for name, value in new.items() if name in asked}

    def paths(self, answers: Answers | None = None) -> Iterator[dict[str, str]]:
        """Every way to the end from here."""
        answers = dict(answers or {})
        question = self.open_question(answers)
        if question is None:
            yield answers
            return
        for answer in question.answers:
            yield from self.paths({**answers, question.id: answer.id})

    def chances(self, answers: Answers) -> Counter[str]:
        """Family -> how many of the ways on from here end with it."""
        return Counter(self._rule(path)["family"] for path in self.paths(answers))

    def verdict(self, answers: Answers) -> Recommendation:
        """The recommendation at the end of the conversation.

        Raises:
            LookupError: if no rule fits, which the tests rule out.
        """
        rule = self._rule(answers)
        return Recommendation(
            rule["id"],
            rule["family"],
            rule["title"],
            tuple(self._reasons[name] for name in rule["reasons"]),
            tuple(self._runners[name] for name in rule["runners"]),
            tuple(one["text"] for one in self.advice if fits(one["when"], answers)),
        )

    def _rule(self, answers: Answers) -> Mapping[str, Any]:
        for rule in self.rules:
            if fits(rule["when"], answers):
                return rule
        raise LookupError(f"No rule fits {dict(answers)}.")


def _reason(raw: Mapping[str, Any]) -> Reason:
    links = tuple(found for one in raw["show"] if (found := link(one)) is not None)
    return Reason(raw["text"], links, raw.get("family", ""), figure(raw.get("figure")))
