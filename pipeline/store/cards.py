"""Rows of scorecards: contents by digest, versions with their state, and every change of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.store.records import CardChange, CardState, CardVersion
from pipeline.store.tables import EvaluationRow, ScorecardChangeRow, ScorecardRow, ScorecardVersionRow


class LockedVersionError(Exception):
    """A version that is or was active was to stand for another content."""

    def __init__(self, version: CardVersion) -> None:
        self.version = version
        super().__init__(version.name)


def keep(
    session: Session, scorecard_id: str, version: str, digest: str, text: str, *, who: str, why: str, at: datetime
) -> CardVersion:
    """Keep a content, and let its version stand for it: a new version is a draft, a draft takes the new content.

    Raises:
        LockedVersionError: the version is or was active with another content.
    """
    if session.get(ScorecardRow, digest) is None:
        session.add(ScorecardRow(digest=digest, id=scorecard_id, version=version, yaml=text, kept_at=at))
        session.flush()
    row = _find(session, scorecard_id, version)
    if row is None:
        row = ScorecardVersionRow(
            scorecard_id=scorecard_id, version=version, digest=digest, state=CardState.DRAFT.value
        )
        session.add(row)
    elif row.digest == digest:
        return _version_of(session, row)
    elif row.state != CardState.DRAFT or any(change.state != CardState.DRAFT for change in row.changes):
        raise LockedVersionError(_version_of(session, row))
    row.digest = digest
    _note(row, who, why, at)
    session.flush()
    return _version_of(session, row)


def change(
    session: Session, scorecard_id: str, version: str, state: CardState, *, who: str, why: str, at: datetime
) -> CardVersion:
    """Give a version a state; the version that was active until then is retired.

    Raises:
        KeyError: there is no such version.
    """
    row = _find(session, scorecard_id, version)
    if row is None:
        raise KeyError(f"{scorecard_id}@{version}")
    if row.state != state:
        _change(session, row, state, who=who, why=why, at=at)
    return _version_of(session, row)


def _change(session: Session, row: ScorecardVersionRow, state: CardState, *, who: str, why: str, at: datetime) -> None:
    if state is CardState.ACTIVE:
        same = (ScorecardVersionRow.scorecard_id == row.scorecard_id, ScorecardVersionRow.state == CardState.ACTIVE)
        for former in session.scalars(select(ScorecardVersionRow).where(*same)):
            former.state = CardState.RETIRED.value
            _note(former, who, why, at)
        session.flush()
    row.state = state.value
    _note(row, who, why, at)
    session.flush()


def _find(session: Session, scorecard_id: str, version: str) -> ScorecardVersionRow | None:
    same = (ScorecardVersionRow.scorecard_id == scorecard_id, ScorecardVersionRow.version == version)
    return session.scalars(select(ScorecardVersionRow).where(*same)).one_or_none()


def versions(session: Session, scorecard_id: str | None) -> tuple[CardVersion, ...]:
    """All versions, by card and in the order they were first kept."""
    query = select(ScorecardVersionRow).order_by(ScorecardVersionRow.scorecard_id, ScorecardVersionRow.number)
    if scorecard_id is not None:
        query = query.where(ScorecardVersionRow.scorecard_id == scorecard_id)
    return tuple(_version_of(session, row) for row in session.scalars(query))


def texts(session: Session, digest: str) -> dict[str, str]:
    """YAML texts of the contents whose digest begins so (with or without `sha256:`), by digest."""
    begins = ScorecardRow.digest.startswith(f"sha256:{digest.removeprefix('sha256:')}", autoescape=True)
    query = select(ScorecardRow.digest, ScorecardRow.yaml).where(begins).order_by(ScorecardRow.digest)
    return dict(session.execute(query).tuples().all())


def _version_of(session: Session, row: ScorecardVersionRow) -> CardVersion:
    made = select(func.count()).select_from(EvaluationRow).where(EvaluationRow.scorecard_digest == row.digest)
    return CardVersion(
        scorecard_id=row.scorecard_id,
        version=row.version,
        digest=row.digest,
        state=CardState(row.state),
        changes=tuple(
            CardChange(CardState(step.state), step.digest, step.who, step.why, step.changed_at) for step in row.changes
        ),
        evaluations=session.scalar(made) or 0,
    )


def _note(row: ScorecardVersionRow, who: str, why: str, at: datetime) -> None:
    row.changes.append(ScorecardChangeRow(digest=row.digest, state=row.state, who=who, why=why, changed_at=at))
