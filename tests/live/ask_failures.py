"""In what words, and how soon, AWS says that a Region or a key won't do."""

from __future__ import annotations

from live.mask import MISSING_KEY
from live.question_run import QuestionRun, phrase

UNKNOWN_REGION = "us-west-9"


def missing_key(q: QuestionRun) -> str:
    """Name a key id that does not exist."""
    return _told(q, q.target, MISSING_KEY)


def missing_alias(q: QuestionRun) -> str:
    """Name an alias that does not exist."""
    return _told(q, q.target, f"alias/{q.account.prefix}no-such-key")


def bad_keys(q: QuestionRun) -> str:
    """Name the keys given as bad: disabled, denied, scheduled for deletion, of the wrong kind."""
    q.need(q.settings.bad_keys, "needs --live-bad-key REGION=KEY: a key that is disabled, denied or of the wrong kind")
    told = []
    for region, key in q.settings.bad_keys:
        about = q.account.ask("kms", "DescribeKey", region, KeyId=key)
        data = about.body.get("KeyMetadata", {})
        state = " ".join(data[each] for each in ("KeyState", "KeySpec", "KeyUsage") if each in data) or about.code
        q.note(region=region, key_is=state)
        told.append(f"{state}: {_told(q, region, key)}")
    return "; ".join(told)


def unknown_region(q: QuestionRun) -> str:
    """Name a Region that does not exist, but could."""
    return _told(q, UNKNOWN_REGION)


def foreign_region(q: QuestionRun) -> str:
    """Name a Region of another partition."""
    foreign = "us-east-1" if q.home.startswith("cn-") else "cn-north-1"
    return _told(q, foreign)


def own_region(q: QuestionRun) -> str:
    """Name the primary's own Region."""
    return _told(q, q.home)


def disabled_region(q: QuestionRun) -> str:
    """Name a Region that the account has not enabled."""
    answer = q.account.ask("account", "ListRegions", q.home, RegionOptStatusContains=["DISABLED"], MaxResults=50)
    q.need(answer.ok, f"account:ListRegions: {answer.text}")
    names = [each["RegionName"] for each in answer.body.get("Regions", ())]
    q.need(names, "every Region is enabled")
    return f"{names[0]}: {_told(q, names[0])}"


def _told(q: QuestionRun, region: str, key: str | None = None) -> str:
    """Return how AWS takes one Region with one key: refused at once, or what became of it and when."""
    name = q.secret()
    answer = q.replicate(name, region, key=key)
    if not answer.ok:
        return f"refused at once: {answer.text}"
    settled = q.settled(name, region)
    took_s = q.seen[-1]["after_s"]
    if any(each.get("Status") == "InSync" for each in settled) and region not in q.account.regions:
        q.account.regions.append(region)  # nobody expected a replica there: it is looked for when cleaning up
    return f"accepted, then {phrase(settled)} ({took_s:.1f} s)"
