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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.errors import InputError
from pipeline.flagging import RANDOM
from pipeline.i18n import Language
from pipeline.redact import masked_seconds
from pipeline.reports import agents, cases, charts, summary
from pipeline.reports.marks import Marks, marked, stamp
from pipeline.reports.material import Case, Night
from pipeline.reports.media import Envelope, drawn, envelope, publish
from pipeline.reports.timeline import timeline
from pipeline.reports.words import Words, mood_kind
from pipeline.whole_file import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data: blob:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of every page. `file:` because `'self'` is empty for pages opened from disk in some browsers;
inline styles because Plotly sets them."""


_ROWS = 4096
"""Lines of scorecards that are kept in case they come again."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as a page plays it: its address from the page's folder, and its envelope."""

    address: str
    sound: Envelope


def write_report(night: Night, out_dir: Path, *, language: Language = "zh", most: int | None = None) -> Path:
    """Write all pages of `night` into `out_dir`, one after the other.

    A page that an earlier report has written from the same results, decisions and wording is left as it is.

    Args:
        night: the material.
        out_dir: the folder, made if need be; pages of an earlier report in it are replaced.
        language: of the pages.
        most: how many interactions have each a page and a line in the list. Of more, those have one that people look
            at: as many of the most urgent that wait for review, random samples, the examples on the pages of agents,
            and what people decided on; figures and charts count all.

    Returns:
        The path of `index.html`.

    Raises:
        OSError: the folder cannot be written.
    """
    everyone = agents.summaries(night)
    pages = _Pages(night, out_dir, language, shown=_shown(night, everyone, most), most=most)
    pages.assets()
    pages.cases(night.cases)
    for one in everyone:
        pages.agent(one)
    pages.team(everyone)
    return pages.index(everyone)


def write_pages(night: Night, out_dir: Path, *, language: Language = "zh") -> tuple[Path, ...]:
    """Write the pages of all interactions of `night`, in their order, and nothing else.

    Where `out_dir` already holds a whole report, they link to its overview.

    Raises:
        OSError: the folder cannot be written.
    """
    pages = _Pages(night, out_dir, language, linked=(out_dir / "index.html").is_file())
    pages.assets()
    pages.cases(night.cases)
    return tuple(out_dir / "interactions" / f"{file_stem(case.id)}.html" for case in night.cases)


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
    pages.cases(one.cases)
    return pages.agent(one)


def _shown(night: Night, everyone: Sequence[agents.AgentSummary], most: int | None) -> frozenset[str] | None:
    """Ids of the interactions that have a page; `None` where all have one."""
    if most is None or len(night.cases) <= most:
        return None
    named = {case.id for one in everyone for case in agents.examples(one)}
    named |= {case.id for case in summary.queue(night.cases)[:most]}
    return frozenset(named | {case.id for case in night.cases if case.decided or RANDOM in case.review.reasons})


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
    target = out_dir / "static"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("style.css", "player.js", "report.js"):
        with as_file(files("pipeline.reports") / "static" / name) as source:
            shutil.copyfile(source, target / name)
    # To import it only to learn where it lies would take as long as twenty pages.
    plotly = find_spec("plotly")
    if plotly is None or plotly.origin is None:
        raise ModuleNotFoundError("plotly")
    library = Path(plotly.origin).parent / "package_data" / "plotly.min.js"
    copy = target / "plotly.min.js"
    if not copy.is_file() or copy.stat().st_size != library.stat().st_size:
        shutil.copyfile(library, copy)


def address(interaction: str) -> str:
    """The page of an interaction, from the folder of the report."""
    return f"interactions/{quote(file_stem(interaction))}.html"


class _Pages:
    """The pages of one report: templates, folder and language.

    `shown` are ids of the interactions that have a page, `None`: all; `most` is the length of lists, `None`: any.
    """

    def __init__(
        self,
        night: Night,
        out_dir: Path,
        language: Language,
        *,
        linked: bool = True,
        shown: frozenset[str] | None = None,
        most: int | None = None,
    ) -> None:
        self.night = night
        self.out = out_dir
        self.words = Words(language)
        self.shown = shown
        self.most = most
        self.templates = environment(self.words, night)
        self.templates.globals["linked"] = linked
        self.marks = Marks(night, language, linked=linked)
        self._made: set[Path] = set()

    def assets(self) -> None:
        """Copy style, scripts and Plotly beside the pages."""
        write_assets(self.out)

    def index(self, everyone: Sequence[agents.AgentSummary]) -> Path:
        """The night."""
        night, words = self.night, self.words
        flagged = summary.queue(night.cases)
        pages = self._with_page(night.cases)
        listed = sorted(pages, key=lambda c: -c.review.priority)[: self.most]
        return self._write(
            "index.html",
            "index.html",
            figures=summary.figures(night),
            queue=flagged[: self.most],
            waiting=len(flagged),
            most=self.most,
            cases=sorted(listed, key=lambda c: c.in_time),
            pages=len(pages),
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
            intervals=charts.intervals(everyone, words, self._address),
            heatmap=charts.heatmap(self.night, everyone, words),
            radar=charts.team_radar(self.night, words),
        )

    def agent(self, one: agents.AgentSummary) -> Path:
        """One agent."""
        words = self.words
        shown = {case.id: case for case in agents.examples(one)}
        whole = {case.id: case for case in self.night.whole(shown.values())}
        one = agents.with_quotes(one, whole)
        return self._write(
            "agent.html",
            f"agents/{file_stem(one.agent.id)}.html",
            one=one,
            listed=self._with_page(one.cases),
            peers=summary.totals(one.peers),
            peers_name=words.say("agent.peers.team" if one.peers_are_team else "agent.peers.all"),
            trend=charts.trend(one, words, lambda c: f"../{there}" if (there := self._address(c)) else None),
            radar=charts.agent_radar(self.night, one, words),
            criteria=charts.against_peers(self.night, one, words),
        )

    def cases(self, some: Iterable[Case]) -> None:
        """The pages of interactions, those that are not there already as they would be written."""
        waiting: list[Case] = []
        marks: dict[str, str] = {}
        for case in self._with_page(some):
            mark = self.marks.of(case)
            if not mark or not self._is_there(case, mark):
                waiting.append(case)
                marks[case.id] = mark
        for case in self.night.whole(waiting):
            self.case(case, marks[case.id])

    def case(self, case: Case, mark: str = "") -> Path:
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
            counts=cases.counts(findings),
            turns=cases.transcript(case, findings, self.words),
            measures=cases.measure_rows(case, self.words),
            notes=cases.heard_notes(case.conversation, self.words),
            mark=mark,
        )

    def _with_page(self, some: Iterable[Case]) -> list[Case]:
        return [case for case in some if self.shown is None or case.id in self.shown]

    def _address(self, case: Case) -> str | None:
        return address(case.id) if self.shown is None or case.id in self.shown else None

    def _is_there(self, case: Case, mark: str) -> bool:
        stem = file_stem(case.id)
        if not marked(self.out / "interactions" / f"{stem}.html", mark):
            return False
        recording = case.conversation.interaction.recording
        copies = (self.out / "media").glob(f"{stem}.*")
        return recording is None or any(copy.suffix != ".part" for copy in copies)

    def _recording(self, case: Case) -> tuple[Recording | None, str]:
        """The recording for the page, or why there is none."""
        if case.media is None or not case.media.is_file():
            needed = case.conversation.interaction.channel.value == "call"
            return None, self.words.say("case.no_media") if needed else ""
        import av

        try:
            muted = masked_seconds(case.conversation.turns)
            copy = publish(case.media, self.out / "media", file_stem(case.id), mute=muted)
            sound = drawn(case.conversation.hearing, muted) or envelope(copy if muted else case.media)
        except av.FFmpegError:
            return None, self.words.say("case.damaged_media")
        return Recording(f"../media/{quote(copy.name)}", sound), ""

    def _write(self, template: str, name: str, *, mark: str = "", **values: object) -> Path:
        path = self.out / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        root = "../" * name.count("/")
        text = self.templates.get_template(template).render(root=root, page=template.partition(".")[0], **values)
        write_whole(path, text + stamp(mark))
        return path


def environment(words: Words, night: Night) -> Environment:
    """What templates know: words, the night, and the filters that pages use.

    A sentence without arguments is written `"KEY" | say`: then it is looked up when the template is compiled.
    """
    from jinja2 import PackageLoader, StrictUndefined

    from pipeline.reports.quick import QuickEnvironment

    made = QuickEnvironment(
        loader=PackageLoader("pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["say"] = words.say
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
    parts: Any = made.get_template("parts.html").module
    # Most lines of scorecards say the same of every interaction: that a duty was done or did not come up.
    made.globals["bare_row"] = lru_cache(_ROWS)(parts.finding_row)
    return made
