"""Write a `Night` as a folder of static pages that open from disk, without any network.

```
OUT/index.html            the night: figures, the queue of flagged interactions, all interactions, files set aside
OUT/team.html             teams and agents compared
OUT/agents/ID.html        one agent
OUT/interactions/ID.html  one interaction: player, transcript with evidence, scorecard
OUT/media/                recordings in a form that browsers play
OUT/static/               style, scripts, plotly.min.js
```
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipeline.errors import InputError
from pipeline.i18n import Language
from pipeline.redact import masked_seconds
from pipeline.reports import agents, cases, charts, summary
from pipeline.reports.material import Case, Night
from pipeline.reports.media import Envelope, envelope, publish
from pipeline.reports.timeline import timeline
from pipeline.reports.words import Words, mood_kind

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data: blob:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of every page. `file:` because `'self'` is empty for pages opened from disk in some browsers;
inline styles because Plotly sets them."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as a page plays it: its address from the page's folder, and its envelope."""

    address: str
    sound: Envelope


def write_report(night: Night, out_dir: Path, *, language: Language = "zh") -> Path:
    """Write all pages of `night` into `out_dir`.

    Args:
        night: the material.
        out_dir: the folder, made if need be; pages of an earlier report in it are replaced.
        language: of the pages.

    Returns:
        The path of `index.html`.

    Raises:
        OSError: the folder cannot be written.
    """
    pages = _Pages(night, out_dir, language)
    pages.assets()
    for case in night.cases:
        pages.case(case)
    everyone = agents.summaries(night)
    for one in everyone:
        pages.agent(one)
    pages.team(everyone)
    return pages.index(everyone)


def write_agent_page(night: Night, agent_id: str, out_dir: Path, *, language: Language = "zh") -> Path:
    """Write the page of one agent, with the pages of their interactions that it links to.

    Where `out_dir` already holds a whole report, the page links to its overview.

    Returns:
        The path of `agents/ID.html`.

    Raises:
        InputError: Z120, the night has no interaction of that agent.
        OSError: the folder cannot be written.
    """
    words = Words(language)
    one = agents.summarise(night, agent_id)
    if one is None:
        raise no_agent(night, agent_id, words)
    pages = _Pages(night, out_dir, language, linked=(out_dir / "index.html").is_file())
    pages.assets()
    for case in one.cases:
        pages.case(case)
    return pages.agent(one)


def no_agent(night: Night, agent_id: str, words: Words) -> InputError:
    """The error Z120: the night has no interaction of that agent."""
    known = words.say("joiner").join(summary.by_agent(night.cases)) or words.say("agent.none_known")
    return InputError("Z120", words.say("agent.none", id=agent_id), hint=words.say("agent.none_hint", known=known))


def file_stem(identifier: str) -> str:
    """A file name for an id: the id itself where it is harmless, else its harmless part and a digest."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", identifier):
        return identifier
    kept = re.sub(r"[^A-Za-z0-9_-]+", "-", identifier).strip("-")[:40]
    digest = hashlib.sha256(identifier.encode()).hexdigest()[:10]
    return f"{kept}-{digest}" if kept else digest


def write_assets(out_dir: Path) -> None:
    """Copy style, scripts and Plotly beside the pages.

    Raises:
        OSError: the folder cannot be written.
    """
    import plotly

    target = out_dir / "static"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("style.css", "player.js", "report.js"):
        with as_file(files("pipeline.reports") / "static" / name) as source:
            shutil.copyfile(source, target / name)
    library = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    copy = target / "plotly.min.js"
    if not copy.is_file() or copy.stat().st_size != library.stat().st_size:
        shutil.copyfile(library, copy)


def address(interaction: str) -> str:
    """The page of an interaction, from the folder of the report."""
    return f"interactions/{quote(file_stem(interaction))}.html"


class _Pages:
    """The pages of one report: templates, folder and language."""

    def __init__(self, night: Night, out_dir: Path, language: Language, *, linked: bool = True) -> None:
        self.night = night
        self.out = out_dir
        self.words = Words(language)
        self.templates = environment(self.words, night)
        self.templates.globals["linked"] = linked

    def assets(self) -> None:
        """Copy style, scripts and Plotly beside the pages."""
        write_assets(self.out)

    def index(self, everyone: Sequence[agents.AgentSummary]) -> Path:
        """The night."""
        night, words = self.night, self.words
        flagged = summary.queue(night.cases)
        return self._write(
            "index.html",
            "index.html",
            figures=summary.figures(night),
            queue=flagged,
            cases=sorted(night.cases, key=lambda c: (c.started_at is None, str(c.started_at or ""), c.id)),
            everyone=everyone,
            teams=sorted({c.agent.team for c in night.cases if c.agent and c.agent.team}),
            reasons=sorted({r.partition(":")[0] for c in flagged for r in c.waiting}),
            distribution=charts.distribution(night.cases, words),
            losses=charts.losses(night, night.cases, words),
            mood=charts.mood(night.cases, words),
        )

    def team(self, everyone: Sequence[agents.AgentSummary]) -> Path:
        """Teams and agents compared."""
        words = self.words
        return self._write(
            "team.html",
            "team.html",
            everyone=everyone,
            teams={name: list(group) for name, group in summary.by_team(self.night.cases).items()},
            intervals=charts.intervals(everyone, words, lambda c: address(c.id)),
            heatmap=charts.heatmap(self.night, everyone, words),
            radar=charts.team_radar(self.night, words),
        )

    def agent(self, one: agents.AgentSummary) -> Path:
        """One agent."""
        words = self.words
        return self._write(
            "agent.html",
            f"agents/{file_stem(one.agent.id)}.html",
            one=one,
            peers=summary.totals(one.peers),
            peers_name=words.say("agent.peers.team" if one.peers_are_team else "agent.peers.all"),
            trend=charts.trend(one, words, lambda c: f"../{address(c.id)}"),
            radar=charts.agent_radar(self.night, one, words),
            criteria=charts.against_peers(self.night, one, words),
        )

    def case(self, case: Case) -> Path:
        """One interaction."""
        recording, problem = self._recording(case)
        strip = timeline(case.conversation, recording.sound if recording else None)
        parts = cases.sections(case, self.night, self.words, strip.axis)
        findings = [finding for part in parts for finding in part.findings]
        return self._write(
            "interaction.html",
            f"interactions/{file_stem(case.id)}.html",
            case=case,
            recording=recording,
            problem=problem,
            strip=strip,
            sections=parts,
            findings={f.number: f for f in findings},
            turns=cases.transcript(case, findings, self.words),
            measures=cases.measure_rows(case, self.words),
            notes=cases.heard_notes(case.conversation, self.words),
        )

    def _recording(self, case: Case) -> tuple[Recording | None, str]:
        """The recording for the page, or why there is none."""
        if case.media is None or not case.media.is_file():
            needed = case.conversation.interaction.channel.value == "call"
            return None, self.words.say("case.no_media") if needed else ""
        import av

        try:
            muted = masked_seconds(case.conversation.turns)
            copy = publish(case.media, self.out / "media", file_stem(case.id), mute=muted)
            sound = envelope(copy if muted else case.media)
        except av.FFmpegError:
            return None, self.words.say("case.damaged_media")
        return Recording(f"../media/{quote(copy.name)}", sound), ""

    def _write(self, template: str, name: str, **values: object) -> Path:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * name.count("/")
        text = self.templates.get_template(template).render(root=root, page=template.partition(".")[0], **values)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path


def environment(words: Words, night: Night) -> Environment:
    """What templates know: words, the night, and the filters that pages use."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.tests["upset_end"] = summary.upset_end
    made.filters["criterion_title"] = lambda criterion, card: words.criterion(card, criterion)
    made.globals.update(
        words=words,
        say=words.say,
        night=night,
        policy=POLICY,
        stem=lambda identifier: quote(file_stem(identifier)),
        worst_findings=summary.worst_findings,
        totals=summary.totals,
        pass_rate=summary.pass_rate,
        mood_kind=mood_kind,
        excerpt=cases.excerpt,
        language="zh-CN" if words.language == "zh" else "en",
    )
    return made
