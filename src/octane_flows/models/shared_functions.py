"""Functions that the models share: how Octane compares names, and where an item is shown.

The server's address and shared space in, statements out that create scalar macros in the schema
`er`; `model_creation` runs them before the models, and Spark puts the bodies into its queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from octane_flows.models.sql_text import literal

# name and parameters -> (comment, body); {page} is the address of the server's items
FUNCTIONS = {
    # the tables that a body reads stand in `FUNCTION_SOURCES` of `models`
    "as_of(moment)": (
        "The moment itself; where it is null, the one that the newest extract was made at",
        "coalesce(moment, (select generation.as_of from meta.generation as generation))",
    ),
    "environment_list(category_name, environment_name)": (
        "All environment tags of a group, each behind its category, in alphabetical order",
        "string_agg(concat_ws(': ', category_name, environment_name), ', ' "
        "order by category_name, environment_name)",
    ),
    "name_matches(name, pattern)": (
        "Whether a name is like a pattern as Octane compares: * is any characters, case is ignored",
        r"name ilike replace(replace(replace(replace("
        r"pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%') escape '\'",
    ),
    "is_listed(code, codes)": (
        "Whether a logical name is one of a list with commas between them; case is ignored",
        "list_contains(string_split(lower(replace(codes, ' ', '')), ','), lower(code))",
    ),
    "severity_rules(rules)": (
        "Rules by severity in one spelling: logical names without their list, commas around",
        "',' || replace(replace(replace(lower(rules), ' ', ''), ':', '='), "
        "'list_node.severity.', '') || ','",
    ),
    "allowed_days(severity_code, rules)": (
        "The days after which a defect of a severity is overdue, by rules as 'urgent=2,high=14'; "
        "a rule without days allows none; null without a rule",
        "case when contains(er.severity_rules(rules), "
        "',' || replace(lower(severity_code), 'list_node.severity.', '') || ',') then 0 "
        "else cast(nullif(regexp_extract(replace(er.severity_rules(rules), "
        "',' || replace(lower(severity_code), 'list_node.severity.', '') || '=', ',>'), "
        "',>([0-9]{1,6}),', 1), '') as integer) end",
    ),
    "is_during(moment, from_at, until_at)": (
        "Whether a moment lies in a period, whose end is no part of it; null: it has not ended",
        "from_at <= moment and coalesce(until_at > moment, true)",
    ),
    # marks become blanks, so that the words of two paragraphs stay apart
    "plain_text(html)": (
        "The words of a memo field without the marks of HTML",
        "trim(regexp_replace(replace(replace(replace(replace(replace(replace("
        "regexp_replace(html, '<[^>]*>', ' ', 'g'), '&nbsp;', ' '), '&lt;', '<'), '&gt;', '>'), "
        "'&quot;', '\"'), '&#39;', ''''), '&amp;', '&'), '\\s+', ' ', 'g'))",
    ),
    # a word of hexadecimal digits is an id when it holds a number, too; plain numbers stay numbers
    "masked_text(text)": (
        "An error text without what varies: ids, hashes, addresses, numbers, white space",
        "regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace("
        "regexp_replace(regexp_replace(regexp_replace(text, "
        "'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', '<id>', 'g'), "
        "'0[xX][0-9a-fA-F]+', '<address>', 'g'), "
        r"'([0-9A-Za-z]{7,})', '<word:\1>', 'g'), "
        r"'<word:([0-9]+)>', '\1', 'g'), "
        "'<word:[0-9a-fA-F]*[0-9][0-9a-fA-F]*>', '<id>', 'g'), "
        r"'<word:([0-9A-Za-z]+)>', '\1', 'g'), "
        r"'[0-9]+', '<n>', 'g'), '\s+', ' ', 'g')",
    ),
    "first_line(details)": (
        "The first line of a stack trace or log that is no title as `=== RUN`; null without one",
        r"nullif(trim(regexp_extract(details, "
        r"'^(\s*(===|---|[*][*][*])[^\n]*\n)*\s*([^\n]*)', 3)), '')",
    ),
    "source_place(details)": (
        "The first source file with a line number in a stack trace or log; null without one",
        "nullif(regexp_extract(details, '([A-Za-z0-9_-]+[.])+"
        "(c|cc|cpp|cs|dart|ex|exs|feature|go|groovy|h|hpp|java|js|jsx|kt|lua|m|mjs|php|pl|py|rb|"
        "robot|rs|scala|sh|swift|ts|tsx)(\"?, line |:|[(])[0-9]+', 0), '')",
    ),
    # a message such as Go's "Failed" says no more than the status does
    "error_pattern(error_type, error_message, error_details)": (
        "What failures of one cause have in common: their error text, with what varies masked",
        "case when er.first_line(error_details) is null or (trim(error_message) <> '' "
        "and trim(replace(replace(lower(error_message), '.', ''), '!', '')) not in "
        "('failed', 'failure', 'fail', 'error', 'test failed', 'test failure')) "
        "then coalesce(left(er.masked_text(nullif(concat_ws(': ', "
        "case when trim(error_type) <> '' then error_type end, "
        "case when trim(error_message) <> '' then error_message end), '')), 1000), '<no text>') "
        "else concat_ws(' at ', left(er.masked_text(concat_ws(': ', "
        "case when trim(error_type) <> '' then error_type end, "
        "er.first_line(error_details))), 1000), er.source_place(error_details)) end",
    ),
    "reference(entity_type, id)": (
        "A reference as the REST API takes it; null where there is no id",
        "case when id is not null then json_object('type', entity_type, 'id', id) end",
    ),
    "without_nulls(document)": (
        "A JSON object without the keys whose value is null, at any depth",
        "json_merge_patch('{}', document)",
    ),
    # between carets nothing can be escaped; the apostrophe form escapes with a backslash
    "query_text(value)": (
        "A text as Octane's query language writes it; * stays any characters",
        r"case when regexp_matches(value, '[\^\x22\\]') then "
        r"chr(39) || regexp_replace(value, '([\\\x22''()])', '\\\1', 'g') || chr(39) "
        "else '^' || value || '^' end",
    ),
    "query_texts(codes)": (
        "Logical names with commas between them, as the query language writes them",
        "'^' || replace(replace(codes, ' ', ''), ',', '^,^') || '^'",
    ),
    # the address that the vendor's own clients open: all kinds of work items share one entity type
    "item_url(entity_type, workspace_id, id)": (
        "Where Octane shows an item; entity_type is work_item, test, run or the type itself",
        "{page} || workspace_id || '&entityType=' || entity_type || '&id=' || id",
    ),
}


@dataclass(frozen=True)
class SharedFunction:
    """One function: its name with parameters, and the statements that create it."""

    signature: str
    statements: tuple[str, ...]

    @property
    def where(self) -> str:
        """File and line of the function in this module."""
        path = Path(__file__)
        before, _, _ = path.read_text(encoding="utf-8").partition(f'"{self.signature}"')
        return f"{path.parent.name}/{path.name}:{before.count(chr(10)) + 1}"


def page_address(server_url: str, shared_space: str) -> str:
    """Where the server shows an item, up to the id of its workspace."""
    return f"{server_url}/ui/entity-navigation?p={shared_space}/"


def function_statements(server_url: str, shared_space: str) -> Iterator[SharedFunction]:
    """The functions with the statements that create them, or replace those of an earlier build."""
    page = literal(page_address(server_url, shared_space))
    for signature, (comment, body) in FUNCTIONS.items():
        name = signature.partition("(")[0]
        yield SharedFunction(
            signature,
            (
                f"create or replace macro er.{signature} as {body.replace('{page}', page)}",
                f"comment on macro er.{name} is {literal(comment)}",
            ),
        )
