"""The text of the made-up workspace, as tables; read by demo_workspace.py only.

Nothing here is real: people, plans, defects and runs are invented around the real CI history, and
descriptions say so. Keys are symbolic names; blanks separate several names in one string.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

NOTE = "Made up for the demonstration."
RELEASE_NOTE = f"<html><body><p>{NOTE} The CI history knows no releases.</p></body></html>"
MODULE_NOTE = (
    f"<html><body><p>{NOTE} Tests are assigned by a rule on their number.</p></body></html>"
)


def html(text: str) -> str:
    """A description the way the server keeps it: HTML, with the notice that it is invented."""
    return f"<html><body><p>{escape(text)}</p><p><i>{NOTE}</i></p></body></html>"


def feature_text(name: str) -> str:
    """The script of a Gherkin test."""
    return f"Feature: {name}\n  Scenario: the usual way\n    Then it looks as drawn\n"


USERS = {
    "nina": ("Nína", "Sigurðardóttir"),
    "paul": ("Paul", "Weiß"),
    "sofia": ("Sofía", "Martínez"),
    "mert": ("Mert", "Çağlar"),
    "ola": ("Ola", "Åkesson"),
    "yuki": ("由紀", "田中"),
}

# key: (name, parent, business impact), level by level
MODULES: tuple[dict[str, tuple[str, str, str]], ...] = (
    {
        "foundation": ("Foundation", "", "critical"),
        "discretisation": ("Discretisation", "", "high"),
        "tooling": ("Tooling", "", "low"),
    },
    {
        "parallel": ("Parallel communication", "foundation", "critical"),
        "linear_algebra": ("Linear algebra", "foundation", "high"),
        "geometry": ("Geometry", "discretisation", "high"),
        "grid_functions": ("Grid functions", "discretisation", "medium"),
        "io": ("Input & output", "tooling", "medium"),
        "viewer": ("Viewer (Überblick)", "tooling", "low"),
        "docs": ("Documentation", "tooling", "no_impact"),
    },
    {
        "preconditioners": ("Preconditioners", "linear_algebra", "medium"),
        "reference_elements": ("Reference elements", "geometry", "medium"),
    },
)

TAGS = {"flaky": "flaky", "customer": "customer", "regression": "regression", "cafe": "café-table"}

EPICS = {
    "scale": ("Scale to ten thousand cores", "inprogress"),
    "ease": ("Make the library easy to start with", "inprogress"),
    "past": ("Retire the old build system", "done"),
}

# key: (name, epic, phase, release, modules)
FEATURES = {
    "halo": ("Overlapping halo exchange", "scale", "inprogress", "winter", "parallel"),
    "solvers": ("Robust iterative solvers", "scale", "intesting", "winter", "linear_algebra"),
    "curved": ("Curved elements", "ease", "inprogress", "winter", "geometry grid_functions"),
    "viewer": ("Look at a solution in the browser", "ease", "new", "winter", "viewer io"),
    "guide": ("First steps guide", "ease", "done", "spring", "docs"),
    "cmake": ("CMake only", "past", "done", "spring", ""),
    "checkpoint": ("Write & restart from checkpoints", "scale", "new", "winter", "io"),
    "names": ("Speaking error messages", "ease", "intesting", "winter", "docs"),
}

# key: (name, feature, phase, sprint, owner)
STORIES = {
    "halo_async": ("Exchange halos while computing", "halo", "inprogress", "winter_4", "mert"),
    "halo_measure": ("Measure the exchange on 64 ranks", "halo", "new", "winter_4", "nina"),
    "halo_docs": ("Describe the halo interface", "halo", "new", "winter_5", "sam"),
    "cg_restart": ("Restart conjugate gradients after breakdown", "solvers", "intesting",
                   "winter_3", "yuki"),
    "gmres_memory": ("Bound the memory of GMRES", "solvers", "done", "winter_2", "yuki"),
    "norm_choice": ("Choose the norm of the stop criterion", "solvers", "done", "winter_2", "mert"),
    "curved_map": ("Map from the reference element to curved ones", "curved", "inprogress",
                   "winter_4", "paul"),
    "curved_area": ("Integrate over curved faces", "curved", "new", "winter_5", "paul"),
    "curved_checks": ("Refuse inverted elements", "curved", "done", "winter_3", "paul"),
    "viewer_page": ("Show a mesh on a page", "viewer", "new", "winter_5", "ola"),
    "viewer_colours": ("Colours that all can tell apart", "viewer", "new", "winter_5", "sam"),
    "guide_install": ("Install in five minutes", "guide", "done", "spring_2", "ola"),
    "guide_poisson": ("Solve the Poisson equation, step by step", "guide", "done", "spring_3",
                      "ola"),
    "guide_translate": ("Übersetzung ins Deutsche", "guide", "done", "spring_5", "paul"),
    "cmake_port": ("Port the last makefiles", "cmake", "done", "spring_1", "mert"),
    "cmake_remove": ("Remove the old scripts", "cmake", "done", "spring_2", "mert"),
    "checkpoint_write": ("Write a checkpoint", "checkpoint", "new", "winter_5", "nina"),
    "checkpoint_read": ("Restart from a checkpoint", "checkpoint", "new", "winter_5", ""),
    "names_types": ("Name the types in a message", "names", "done", "winter_4", "yuki"),
    "names_lines": ("Name file and line in a message", "names", "done", "winter_3", "yuki"),
}  # fmt: skip

QUALITY_STORIES = {
    "flaky_parallel": ("Find out why parallel tests come and go", "halo", "inprogress",
                       "winter_4", "sofia"),
    "clang_nightly": ("Keep the clang build green", "solvers", "new", "winter_4", "sofia"),
    "coverage": ("Cover error paths of the input module", "checkpoint", "new", "winter_5", ""),
    "cleanup": ("Remove tests nobody reads", "cmake", "done", "spring_4", "sofia"),
}  # fmt: skip


@dataclass(frozen=True)
class Defect:
    """One defect; `modules` and `tags` are blank-separated keys, `severity` may be empty."""

    key: str
    name: str
    phase: str
    severity: str
    modules: str
    found_at: str
    text: str
    feature: str = ""
    priority: str = "medium"
    owner: str = "mert"
    tags: str = ""


# The first block answers "open, high severity, with a module"; the second block nearly does.
DEFECTS = (
    Defect("always_red", "test_172 fails on clang in every build", "opened", "high",
           "linear_algebra", "2020-08-03T09:00:00", "Red since the pipeline exists.", "solvers",
           "very_high", "yuki", "regression"),
    Defect("lost_message", "Message lost when a rank owns no element", "opened", "high",
           "parallel", "2020-11-10T10:00:00", "Happens with 3 ranks & one empty part.", "halo"),
    Defect("wrong_normal", "Outer normal points inwards on curved faces", "opened", "high",
           "geometry reference_elements", "2020-12-02T08:20:00", "n·x < 0 at the outer face.",
           "curved", "high", "paul"),
    Defect("restart_hang", "Restart hangs on a half-written file", "opened", "high",
           "io", "2021-01-12T15:00:00", "A crash while writing leaves a file without end mark.",
           "checkpoint", "high", ""),
    Defect("unicode_path", "Pfade mit Umlauten (Übung/größe.msh) werden nicht gefunden", "opened",
           "very_high", "io", "2021-01-14T11:00:00", "Also with 日本語 in the path.", "checkpoint",
           "high", "ola", "customer"),
    Defect("data_race", "Data race in the communication cache", "opened", "urgent",
           "parallel", "2021-01-18T13:00:00", "Seen by a thread checker.", "halo", "urgent",
           "nina", "flaky"),
    # near misses
    Defect("no_module", "Build stops when the home folder is read-only", "opened", "high", "",
           "2020-12-10T09:00:00", "High and opened, but nobody chose a module."),
    Defect("typo_axis", "Axis label reads ‘lenght’", "opened", "low", "viewer",
           "2020-12-11T09:00:00", "Opened, with a module, but low.", "viewer", "low", "ola"),
    Defect("medium_norm", "Norm of an empty vector is NaN", "opened", "medium", "linear_algebra",
           "2020-12-15T09:00:00", "Opened, with a module, but medium.", "solvers"),
    Defect("unrated", "Tool prints nothing on success", "opened", "", "io",
           "2020-12-16T09:00:00", "Opened, with a module, but nobody rated it.", "checkpoint"),
    Defect("new_high", "Wrong result when compiled with fast-math", "new", "high",
           "linear_algebra", "2021-01-19T08:00:00", "High, with a module, but still new.",
           "solvers", "high", ""),
    Defect("fixed_high", "Leak in the index set", "fixed", "high", "parallel",
           "2020-10-20T09:00:00", "High, with a module, but fixed.", "halo", "high", "nina"),
    Defect("wrong_norm", "Stop criterion uses the wrong norm", "fixed", "very_high",
           "linear_algebra preconditioners", "2020-11-02T09:00:00", "Fixed, waits for closing.",
           "solvers", "high", "yuki"),
    Defect("closing", "Mesh reader accepts negative sizes", "proposeclose", "high", "io",
           "2020-10-22T09:00:00", "Proposed to be closed.", "checkpoint"),
    Defect("closed_high", "Crash in the first step of the guide", "closed", "high", "docs",
           "2020-06-10T09:00:00", "Closed in the first release.", "guide", "high", "ola"),
    Defect("closed_low", "Guide names a file that moved", "closed", "low", "docs",
           "2020-07-01T09:00:00", "Closed in the first release.", "guide", "low", "ola"),
    Defect("deferred", "Slow start on network drives", "deferred", "medium", "io",
           "2020-07-20T09:00:00", "Deferred to a later release."),
    Defect("duplicate", "Lost message with 3 ranks", "duplicate", "high", "parallel",
           "2020-11-11T09:00:00", "The same as the lost message.", "halo"),
    Defect("rejected", "Please support FORTRAN 66", "rejected", "low", "",
           "2020-09-01T09:00:00", "Not planned.", "", "low", "paul", "customer"),
    Defect("new_plain", "Colour of the café table in the example", "new", "low", "viewer",
           "2021-01-15T09:00:00", "<b>Not</b> bold & harmless: 1 < 2.", "viewer", "low", "",
           "cafe"),
    Defect("comes_and_goes", "Tests 104 to 110 come and go", "opened", "medium",
           "parallel linear_algebra", "2020-09-14T09:00:00", "Several at once, then none.",
           "halo", "medium", "sofia", "flaky"),
    Defect("new_unrated", "Question about the licence header", "new", "", "docs",
           "2021-01-20T08:30:00", "No severity yet.", "guide", "low", ""),
)  # fmt: skip

# Items with tasks; the first gets tasks of one kind, the second of two, and so on.
TASK_OWNERS = (
    "story.halo_async", "story.cg_restart", "story.curved_map", "story.gmres_memory",
    "story.norm_choice", "story.names_types", "story.guide_poisson", "story.curved_checks",
    "quality_story.flaky_parallel", "quality_story.clang_nightly", "defect.always_red",
    "defect.lost_message", "defect.wrong_normal", "defect.fixed_high", "story.viewer_page",
    "story.checkpoint_write",
)  # fmt: skip
# The last one is in testing although all of its tasks are completed: it could be marked done.
ALL_TASKS_DONE = frozenset({
    "story.gmres_memory", "story.norm_choice", "story.guide_poisson", "story.curved_checks",
    "defect.fixed_high", "story.names_types",
})  # fmt: skip

# key: (name, phase, automation status, modules, covered items)
MANUAL_TESTS = {
    "install_linux": ("Install on a fresh Linux", "ready", "not_automated", "docs",
                      "story.guide_install feature.guide"),
    "install_mac": ("Install on a fresh macOS", "ready", "not_automated", "docs",
                    "story.guide_install"),
    "poisson": ("Follow the Poisson guide word by word", "ready", "ready_for_automation", "docs",
                "story.guide_poisson"),
    "restart_kill": ("Kill a run while it writes a checkpoint", "indesign", "not_automated", "io",
                     "story.checkpoint_write defect.restart_hang"),
    "curved_look": ("Look at curved elements", "awaitingreview", "not_automated",
                    "geometry viewer", "story.curved_map"),
    "many_ranks": ("Start on 64 ranks", "ready", "not_automated", "parallel",
                   "story.halo_measure feature.halo"),
    "messages": ("Read ten error messages aloud", "ready", "not_automated", "",
                 "story.names_types"),
    "release_notes": ("Proof-read the release notes", "new", "not_automated", "docs", ""),
    "old_build": ("Build with the old makefiles", "obsolete", "not_automated", "", ""),
    "umlaut": ("Dateien in „Übung größe“ öffnen", "ready", "not_automated", "io",
               "defect.unicode_path"),
}  # fmt: skip
GHERKIN_TESTS = {
    "show_mesh": ("Show a mesh in the browser", "ready", "automated", "viewer",
                  "story.viewer_page"),
    "colours": ("Colours are told apart", "ready", "ready_for_automation", "viewer",
                "story.viewer_colours"),
    "export_file": ("Export a picture", "ready", "automated", "io", "feature.viewer"),
    "zoom": ("Zoom with the keyboard", "new", "not_automated", "viewer", ""),
}  # fmt: skip
# key: (name, tests that cover it): tested, only a test without a run, no test.
REQUIREMENTS = {
    "install": (
        "A user without rights can install it in five minutes",
        "test_manual.install_linux test_manual.install_mac",
    ),
    "zoom": ("Everything can be done with the keyboard", "gherkin_test.zoom"),
    "restart": ("A run of days survives the loss of a machine", ""),
}
# The user who signs in, and this user's tests and defects: the answers to "my ...".
SAM = "sam"
SAMS_TESTS = frozenset({"install_linux", "poisson", "umlaut", "colours"})
SAM_CHECKS = frozenset({"lost_message", "restart_hang", "unicode_path", "wrong_norm"})

# The library's own tests that somebody marked before their first result came.
TAGGED_TESTS = {"test_172": "regression", "test_104": "flaky", "test_105": "flaky"}

# Scripts as the server keeps them, `- ?` is a check and `- @` calls another test; and files.
SCRIPTS = {
    "install_linux": "- Download the archive\n- Unpack it and run `cmake`\n- ?The tests pass",
    "poisson": "- @{install_linux} Install first\n- Type the program of poisson.png\n"
    "- ?The error halves with each refinement",
    "many_ranks": "- Start on 64 ranks\n- ?No rank waits longer than 1 s",
    "umlaut": "- Öffne größe.msh aus dem Ordner „Übung größe“\n- ?Das Gitter hat 12 Elemente",
}
FILES = {"poisson": "poisson.png", "umlaut": "größe.msh"}

# Fields that this team added: name -> (kind, label, entity type).
FIELDS = {
    "reported_by_customer_udf": ("boolean", "Reported by a customer", "defect"),
    "workaround_udf": ("string", "Workaround", "defect"),
    "asked_by_udf": ("ref_to_user", "Asked by", "story"),
}
WORKAROUNDS = {
    "unicode_path": "Ordner ohne Umlaute",
    "restart_hang": "Delete the half-written file",
}
ASKED_BY = {"viewer_page": "sofia", "checkpoint_write": "mert", "curved_area": "sam"}
# Defects that users found after the first release.
ESCAPED = frozenset({"wrong_norm", "lost_message", "fixed_high", "medium_norm"})

SUITES = {
    "smoke": ("Ten minutes before a merge", "test_manual.install_linux test_manual.messages"),
    "acceptance": (
        "Acceptance before a release",
        "test_manual.install_linux test_manual.install_mac test_manual.poisson "
        "test_manual.release_notes gherkin_test.colours",
    ),
    "parallel": ("On the cluster", "test_manual.many_ranks test_manual.restart_kill"),
}


@dataclass(frozen=True)
class Run:
    """One manual or suite run; `environment` and `defects` are blank-separated keys."""

    key: str
    name: str
    test: str
    status: str
    created: str
    by: str = "sofia"
    release: str = "winter"
    environment: str = ""
    defects: str = ""


RUNS = (
    Run("spring_install", "Install on Linux, 2.8", "test_manual.install_linux", "passed",
        "2020-09-21T09:00:00", release="spring", environment="debian_11", defects="closed_high"),
    Run("spring_poisson", "Poisson guide, 2.8", "test_manual.poisson", "failed",
        "2020-09-21T13:00:00", release="spring", defects="closed_low"),
    Run("spring_ranks", "64 ranks, 2.8", "test_manual.many_ranks", "blocked",
        "2020-09-22T09:00:00", "nina", "spring"),
    Run("norm", "Error messages with the old norm", "test_manual.messages", "passed",
        "2021-01-05T10:00:00", defects="wrong_norm"),
    Run("ranks_failed", "64 ranks after the cache change", "test_manual.many_ranks", "failed",
        "2021-01-20T09:15:00", "nina", environment="debian_11 gcc-10-20",
        defects="data_race lost_message fixed_high"),
    Run("umlaut_failed", "Umlaute in Pfaden", "test_manual.umlaut", "failed",
        "2021-01-20T10:40:00", "ola", environment="ubuntu_20_04", defects="unicode_path"),
    Run("curved_old", "Curved elements, first look", "test_manual.curved_look", "failed",
        "2021-01-18T10:00:00", "paul", defects="wrong_normal"),
    Run("poisson_running", "Poisson guide, under way", "test_manual.poisson", "not_completed",
        "2021-01-20T14:00:00", "ola"),
    # Planned: two alone, one of a Gherkin test, and two suites, in which the server plans a run
    # of each test that is to be in the next run.
    Run("plan_curved", "Curved elements, second look", "test_manual.curved_look", "planned",
        "2021-01-19T09:00:00", "paul"),
    Run("plan_umlaut", "Umlaute nach der Korrektur", "test_manual.umlaut", "planned",
        "2021-01-20T16:00:00", "ola"),
    Run("plan_zoom", "Zoom, by hand", "gherkin_test.zoom", "planned", "2021-01-19T09:10:00",
        "yuki"),
    Run("plan_acceptance", "Acceptance, January", "test_suite.acceptance", "planned",
        "2021-01-19T09:20:00"),
    Run("plan_cluster", "Cluster, January", "test_suite.parallel", "planned",
        "2021-01-19T09:30:00", "nina"),
)  # fmt: skip

# (moment, Gherkin test, status, module): the first is too old for a day's window, the last passed.
GHERKIN_RESULTS = (
    ("2021-01-19T18:30:00", "Export a picture", "Failed", "io"),
    ("2021-01-20T18:30:00", "Show a mesh in the browser", "Failed", "viewer"),
    ("2021-01-20T18:31:00", "Colours are told apart", "Passed", "viewer"),
)

COMMENTS = (
    ("defect.always_red", "Shall we switch test_172 off until it is understood?"),
    ("defect.always_red", "No: then nobody looks at it again."),
    ("defect.data_race", "Seen again today, 3 of 20 starts."),
    ("defect.unicode_path", "Betrifft auch „ß“ und 日本語."),
    ("story.halo_async", "Needs a machine with more than one socket."),
    ("quality_story.flaky_parallel", "Tests 104–110 fail together or not at all."),
    ("test_manual.poisson", "Step 7 is out of date."),
    ("test_manual.umlaut", "Works when the locale is C.UTF-8."),
    ("gherkin_test.show_mesh", "The picture differs by one pixel on clang."),
    ("run.ranks_failed", "Log is with Nína."),
)
