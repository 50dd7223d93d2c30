"""The page on reproducibility: for the site a fold for every recorded run, with every metric."""

from __future__ import annotations

from html import escape

from IPython.display import Markdown

from chapters_lib.experiments import find
from chapters_lib.pages import Page, list_table, site_only, table
from chapters_lib.recording import listing, runs
from chapters_lib.recording.listing import facts, has_weights, keys, over, value

PAGE = Page("repro")
NAMED = 3  # runs named in print beside an amendment; more are counted


def numbers() -> None:
    """Glue how many runs and metrics are recorded, and what some records lack."""
    found = listing.records()
    PAGE.keep(
        runs=f"{len(found)}",
        metrics=f"{sum(len(keys(run)) for run in found):,}",
        used=f"{sum('used' in run.provenance for run in found)}",
        several=f"{sum(len(run.provenance['seeds']) > 1 for run in found)}",
        without_weights=f"{sum(not has_weights(run) for run in found)}",
    )


def table_runs() -> Markdown:
    """Return for the site every run, as a fold with every metric, and a filter over all."""
    if not listing.records():
        return Markdown("*Nothing is recorded yet.*")
    return site_only(f"```{{raw}} html\n{folds()}\n```")


def table_machines() -> Markdown:
    """Return the machines that trained or measured, and how many runs each made."""
    columns = ("processor", "device", "threads", "torch", "library")
    machines = [
        tuple(str(run.provenance.get(key, "")) for key in columns) for run in listing.records()
    ]
    rows = [["Processor", "Device", "Threads", "torch", "Library", "Runs"]]
    for machine in sorted(set(machines)):
        rows.append([*(part or "–" for part in machine), str(machines.count(machine))])
    return table(
        "The machines that made the records.", "tab-repro-machines", "36 14 12 14 12 12", rows
    )


def table_amended() -> Markdown:
    """Return for the site what was mended in records without training anew."""
    notes: dict[tuple[str, str], list[str]] = {}
    for run in listing.records():
        for note in run.provenance.get("amended", {}).items():
            notes.setdefault(note, []).append(f"`{run.name}`")
    if not notes:
        return Markdown("*No record was amended.*")
    rows = [["Metric", "What was done", "Runs"]]
    for (key, note), names in sorted(notes.items()):
        metrics = "all" if key == "*" else ", ".join(f"`{part}`" for part in key.split(", "))
        told = ", ".join(names) if len(names) <= NAMED else f"{len(names)} runs"
        rows.append([metrics, note, told])
    told = "What was found wrong in a record after its training, and what was done about it without training anew:"
    return site_only(f"{told}\n\n{list_table(rows, '26 34 40', kind='longtable')}")


# the site


def folds() -> str:
    """Return the filter, the link to the CSV and a fold for each run, as HTML on one line each."""
    head = (
        '<script src="../_static/records.js" defer></script>\n'
        '<p class="records-tools"><label hidden>Show runs and metrics with '
        '<input type="search" class="records-filter" placeholder="fid, vae-fc …"></label> '
        '<a href="../_static/metrics.csv" download>All metrics as CSV</a></p>\n'
        '<p class="records-none" hidden>No run and no metric has this in its name.</p>'
    )
    return "\n".join([head, '<div class="records">', *map(fold, listing.records()), "</div>"])


def fold(run: runs.Run) -> str:
    """Return a run as a fold with an anchor: what it was trained on and with, and every metric."""
    told = facts(run)
    name, made = escape(run.name), run.provenance
    seeds = "1 seed" if told["Seeds"] == "1" else f"{told['Seeds']} seeds"
    trained = "measured" if told["Seeds"] == "–" else f"{seeds}, {told['Minutes']} min"
    brief = f"{told['Data']}, {trained}, {told['Date']}"
    rows = "".join(
        f'<tr data-metric="{escape(key)}"><td><code>{escape(key)}</code></td>'
        f"<td>{mean}</td><td>{sem and f'± {sem}'}</td><td>{over(metric) if sem else ''}</td></tr>"
        for key in keys(run)
        for metric in [run.metric(key)]
        for mean, sem in [value(metric)]
    )
    splits = "; ".join(
        f"{split} split {data['images']:,} images, SHA-256 {data['sha256'][:12]}…"
        for split, data in made["data"].items()
    )
    summary = find(run.name).summary
    about = [
        f"{summary[:1].upper()}{summary[1:]}.",
        f"Training images: {told['Training images']}; {splits}.",
        f"Commit {made['commit']}, {made.get('processor', 'processor not recorded')}, "
        f"torch {made['torch']}. Weights stored: {told['Weights']}.",
        *(
            f"{key if key != '*' else 'All'}: {note}."
            for key, note in made.get("amended", {}).items()
        ),
    ]
    text = "".join(f"<p>{escape(line)}</p>" for line in about)
    return (
        f'<details id="run-{name}" data-run="{name}"><summary><code>{name}</code> <span>{brief}'
        f'</span></summary>{text}<div class="records-table"><table><thead><tr><th>Metric</th>'
        "<th>Value</th><th>Standard error</th><th>over</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )
