"""What is not established about AWS, asked of a real account; an answer is never wrong, only missing."""

from __future__ import annotations

from typing import Any

import pytest
from live.questions import QUESTIONS, Question

pytestmark = pytest.mark.live


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_question(live: Any, question: Question) -> None:
    live.put(question)
