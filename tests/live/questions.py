"""The table of questions: what is not established about AWS, and the function that asks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from live import ask_failures, ask_overwrite, ask_removal, ask_repeats, ask_values
from live.question_run import QuestionRun

REPEAT = "11.2: Replicate on an InSync/InProgress Region: error, no-op or re-sync; with a different KmsKeyId"
REMOVE = "11.3: Remove on a non-replica Region; on a Failed-by-collision Region; on a promoted Region"
PROMOTED = "11.4: what the primary shows after a replica was promoted; error of Stop on a non-replica"
REASONS = (
    "11.1: exact StatusMessage for KMS missing/disabled/denied and for a Region not enabled; whether it is synchronous"
)
FORCE = "11.5: force overwrite onto a primary with replicas, or onto a secret pending deletion"
LAG = "11.6: whether InSync regresses during ordinary value updates; replication lag figures"


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what it settles."""

    asks: str
    settles: str
    """Section of aws-behavior.md, and what it leaves open."""
    ask: Callable[[QuestionRun], str]
    """Asks it, on secrets of its own, and returns the answer in a line."""

    @property
    def name(self) -> str:
        """What it is called in the report and on the command line (-k)."""
        return self.ask.__name__.replace("_", "-")


QUESTIONS = (
    Question("Replicate a Region that is InSync", REPEAT, ask_repeats.repeat_in_sync),
    Question("Replicate a Region that is InProgress", REPEAT, ask_repeats.repeat_in_progress),
    Question("Replicate an InSync Region, other key", REPEAT, ask_repeats.repeat_other_key),
    Question("Replicate a Failed Region", "1.1: calling it again for a Failed Region", ask_repeats.repeat_failed),
    Question("Remove a Region that is no replica", REMOVE, ask_repeats.remove_no_replica),
    Question("Remove a Region twice", REMOVE, ask_repeats.remove_twice),
    Question("Remove a Failed namesake's Region", REMOVE, ask_overwrite.name_conflict),
    Question("Remove a promoted Region", REMOVE, ask_removal.promoted_removed),
    Question("The old primary's list after a promotion", PROMOTED, ask_removal.promoted_view),
    Question("Replicate to a promoted Region", PROMOTED, ask_removal.promoted_replicated),
    Question("Stop on what is no replica", PROMOTED, ask_repeats.stop_no_replica),
    Question("A key id that does not exist", REASONS, ask_failures.missing_key),
    Question("An alias that does not exist", REASONS, ask_failures.missing_alias),
    Question("A key that can't be used", REASONS, ask_failures.bad_keys),
    Question("A Region that is not enabled", REASONS, ask_failures.disabled_region),
    Question("A Region that does not exist", REASONS, ask_failures.unknown_region),
    Question("A Region of another partition", REASONS, ask_failures.foreign_region),
    Question("The primary's own Region", REASONS, ask_failures.own_region),
    Question("Force onto a secret scheduled for deletion", FORCE, ask_overwrite.force_onto_deleted),
    Question("Force onto a primary with replicas", FORCE, ask_overwrite.force_onto_primary),
    Question("Lag of a new value, and what shows meanwhile", LAG, ask_values.value_updates),
    Question("Time of a removal", "0.3: 40 to 90 s; one source", ask_removal.removal_time),
    Question("The list after a replica's key changed", "1.8: whether KmsKeyId follows", ask_values.list_follows_key),
    Question("Delete a primary with a Failed Region", "1.7: which entries count", ask_repeats.delete_with_failed_entry),
)
"""To add a question: one function that is given an Inquiry, and one line here."""
