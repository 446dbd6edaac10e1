"""A node's tables, on SQLite or PostgreSQL. The identities live in a database of their own, under a key of their own.

Workflow rows carry identifiers, states and digests; prints lie sealed in `prints` and `reference_prints`; names lie
sealed in the identities database and nowhere else. Instants are text in UTC (`units.timestamp`), so they sort and read
alike in both databases.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
identities = MetaData()
record_keys_metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("side", String(9), nullable=False),  # requester | holder
    Column("partner", String(2), nullable=False),
    Column("agreement", String(80), nullable=False),
    Column("state", String(32), nullable=False),
    Column("search_type", String(8), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("case_number", String(64), nullable=False),
    Column("offence", JSON, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("expedited", Boolean, nullable=False),
    Column("ordered_by", String(64), nullable=False, default=""),
    Column("run_by", String(64), nullable=False, default=""),
    Column("approved_by", String(64), nullable=False, default=""),
    Column("tcn", String(40), nullable=False),
    Column("candidates", JSON, nullable=False),  # the hit's reference numbers, best first
    Column(
        "reference", String(64)
    ),  # the one among them that is followed: the best, then the one that was concluded on
    Column("reasons", JSON, nullable=False),  # [[code, text], ...] where refused, unsearchable or not released
    Column("clause", JSON),  # the clause behind a refusal
    Column("stages", JSON, nullable=False),  # {stage: milliseconds} on this side
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),  # of the work due here (answering)
    Column("due_at", String(32)),  # when that work is due; null where nothing is
    Column("release", JSON),  # of a release: {"outcome", "withheld": {field: reason}, "conditions", "mla"}
    Column("other_channel", String(32), nullable=False, default="", server_default=""),  # also answered there (REQ-167)
)
Index("conversations_due", conversations.c.due_at, conversations.c.created_at)

messages = Table(
    "messages",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("direction", String(3), primary_key=True),  # out | in
    Column("partner", String(2), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("conversation", String(40), nullable=False),
    Column("agreement", String(80), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the sealed bytes, hex
    Column("manifest", Text, nullable=False),  # canonical JSON
    Column("sealed", LargeBinary),  # outgoing: until the partner's receipt is in
    Column("receipt", LargeBinary),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", String(32)),  # outgoing: when the next attempt is due; null once done
    Column("last_error", String(200)),
    Column("expires_at", String(32), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("done_at", String(32)),
)
Index("messages_due", messages.c.direction, messages.c.due_at)
Index("messages_conversation", messages.c.conversation)

prints = Table(
    "prints",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("conversation", String(40), ForeignKey("conversations.id"), nullable=False),
    Column("role", String(9), nullable=False),  # query | candidate
    Column("reference", String(64), nullable=False, default=""),
    Column("position", Integer, nullable=False),
    Column("impression", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", String(32), nullable=False),
)
Index("prints_conversation", prints.c.conversation)

reference_prints = Table(
    "reference_prints",
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("impression", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", String(32), nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 over person key, position, impression and file bytes
    Column("batch", String(64), nullable=False),
    Column("reference", String(64)),
    Column("outcome", String(16), nullable=False),  # enrolled | unsearchable | unreadable
    Column("reasons", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("partner", String(2), primary_key=True),
    Column("direction", String(3), primary_key=True),  # out: asked by us; in: asked of us
    Column("search_type", String(8), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("used", Integer, nullable=False),
)

life_events = Table(
    "life_events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("partner", String(2), nullable=False),
    Column("by", String(2), nullable=False),  # who declared it: our party or the partner
    Column("about", String(32), nullable=False),  # the notice's kind
    Column("agreement", String(80), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("acts", JSON, nullable=False),  # our officers' signed acts, JWS; empty for the partner's events
    Column("message", String(40), nullable=False),  # the notice that told it
    Column("at", String(32), nullable=False),  # since when it is known here
    Column("number", Integer, nullable=False),  # their order with that partner, from 1
)
Index("life_events_order", life_events.c.partner, life_events.c.number, unique=True)

officers = Table(
    "officers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", JSON, nullable=False),  # {"ar": ..., "en": ...}
    Column("roles", JSON, nullable=False),
    Column("credential", JSON, nullable=False),
    Column("valid_from", String(32), nullable=False),
    Column("valid_to", String(32)),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256 of the cookie's value
    Column("officer", String(64), ForeignKey("officers.id"), nullable=False),
    Column("expires_at", String(32), nullable=False),
)

acts = Table(
    "acts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("conversation", String(40), ForeignKey("conversations.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("signed", Text, nullable=False),  # JWS by the officer's own credential
    Column("at", String(32), nullable=False),
    Column("turn", Integer, nullable=False, default=0, server_default="0"),  # a release may be prepared again
    UniqueConstraint("conversation", "kind", "turn", name="one_act_of_a_turn"),
)

clocks = Table(
    "clocks",
    metadata,
    Column("conversation", String(40), ForeignKey("conversations.id"), primary_key=True),
    Column("name", String(16), primary_key=True),  # answer | confirm | follow-up | outcome
    Column("started_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),  # moved on by each pause
    Column("paused_at", String(32)),
    Column("reason", String(32), nullable=False),  # why it stands still, or stood
    Column("stopped_at", String(32)),
    Column("breached_at", String(32)),
    Column("told_at", String(32)),  # when the partner was last told of a delay
)
Index("clocks_running", clocks.c.stopped_at, clocks.c.due_at)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("at", String(32), nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),  # canonical JSON; null once erased, the salt with it
)

ledger_nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)

ledger_head = Table(
    "ledger_head", metadata, Column("id", Integer, primary_key=True), Column("size", Integer, nullable=False)
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("owner", String(2), primary_key=True),  # our own party, or the partner whose ledger we watch
    Column("witness", String(2), primary_key=True),  # who co-signed it
    Column("size", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

summaries = Table(  # statistics of a period, as each party stated them
    "summaries",
    metadata,
    Column("partner", String(8), primary_key=True),
    Column("start", String(32), primary_key=True),
    Column("end", String(32), primary_key=True),
    Column("whose", String(6), primary_key=True),  # ours | theirs
    Column("figures", JSON, nullable=False),  # the notice's terms
    Column("signed", Text, nullable=False, default=""),  # ours: the officer's act
    Column("at", String(32), nullable=False),
)

checks = Table(  # random checks of lawfulness: how each sample was drawn
    "checks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("seed", String(64), nullable=False),
    Column("start", String(32), nullable=False),
    Column("end", String(32), nullable=False),
    Column("population", Integer, nullable=False),  # queries of the period
    Column("ledger_size", Integer, nullable=False),
    Column("officer", String(64), nullable=False),
    Column("signed", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

check_items = Table(  # the queries that a sample drew, and what the check of each found
    "check_items",
    metadata,
    Column("check", String(40), ForeignKey("checks.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # of the query's entry in the ledger
    Column("conversation", String(40), nullable=False),
    Column("outcome", String(16)),  # null until it was checked
    Column("ground", String(64)),
    Column("officer", String(64)),
    Column("signed", Text),
    Column("at", String(32)),
)

extracts = Table(  # log extracts that an authority asked for, each with its clock
    "extracts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("authority", String(64), nullable=False),
    Column("selection", JSON, nullable=False),
    Column("asked_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("signed", Text, nullable=False),
    Column("given_at", String(32)),
    Column("given_by", String(64)),
    Column("digest", String(64)),  # SHA-256 of the bundle that was handed over
)

matters = Table(
    "matters",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("ours", Boolean, nullable=False),  # begun here; false: by the partner
    Column("partner", String(2), nullable=False),
    Column("agreement", String(80), nullable=False),
    Column("subject", String(40), nullable=False),  # the conversation or supply that it is about; "" for none
    Column("state", String(24), nullable=False),
    Column("facts", JSON, nullable=False),  # codes and instants only; texts lie in the identities database
    Column("due_at", String(32)),
    Column("created_at", String(32), nullable=False),
    Column("changed_at", String(32), nullable=False),
)
Index("matters_subject", matters.c.subject)
Index("matters_due", matters.c.due_at)

matter_acts = Table(
    "matter_acts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("matter", String(40), nullable=False),  # or the subject, where an officer acts on data without a matter
    Column("kind", String(32), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("signed", Text, nullable=False),  # JWS by the officer's own credential
    Column("at", String(32), nullable=False),
)
Index("matter_acts_matter", matter_acts.c.matter)

marks = Table(
    "marks",
    metadata,
    Column("subject", String(40), primary_key=True),
    Column("state", String(16), nullable=False),  # active | flagged | blocked | deleted
    Column("reason", String(40), nullable=False),
    Column("use", String(40), nullable=False),  # blocked: the one use that is left; "" for none
    Column("matter", String(40), nullable=False),
    Column("at", String(32), nullable=False),
)

disseminations = Table(
    "disseminations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("recipient", String(200), nullable=False),  # a body, never a person
    Column("recipient_kind", String(24), nullable=False),
    Column("use", String(40), nullable=False),
    Column("caveat", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("consent", String(40), nullable=False),  # the matter of the consent; "" where none was needed
    Column("officer", String(64), nullable=False),
    Column("at", String(32), nullable=False),
)
Index("disseminations_subject", disseminations.c.subject)

recalls = Table(
    "recalls",
    metadata,
    Column("matter", String(40), ForeignKey("matters.id"), primary_key=True),
    Column("dissemination", String(40), ForeignKey("disseminations.id"), primary_key=True),
    Column("action", String(24), nullable=False),
    Column("told_at", String(32)),
    Column("told_by", String(64)),
    Column("receipt", String(200)),  # how the recipient confirmed it
)

persons = Table(
    "persons",
    identities,
    Column("reference", String(64), primary_key=True),
    Column("person_key", String(64), unique=True, nullable=False),  # keyed digest of the agency's own key
    Column("sealed", LargeBinary, nullable=False),
)

received = Table(
    "received",
    identities,
    Column("conversation", String(40), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", String(32), nullable=False),
)

matter_texts = Table(
    "matter_texts",
    identities,
    Column("matter", String(40), primary_key=True),
    Column("step", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", String(32), nullable=False),
)

identities_version = Table("identities_version", identities, Column("version", Integer, primary_key=True))

local_records = Table(
    "local_records",  # what the exposure rule looks at: category, offence class, birth date, disposition, in codes
    identities,
    Column("reference", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

record_keys = Table(
    "record_keys",
    record_keys_metadata,
    Column("vault", String(12), primary_key=True),  # prints | identities
    Column("label", String(160), primary_key=True),  # which record: identifiers, never a name
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_at", String(32), nullable=False),
)

erasures_due = Table(
    "erasures_due",  # decided and logged; their keys are still to be destroyed
    metadata,
    Column("label", String(160), primary_key=True),
    Column("at", String(32), nullable=False),
)

erasures_held = Table(
    "erasures_held",  # due, but under a legal hold
    metadata,
    Column("conversation", String(40), primary_key=True),
    Column("role", String(9), primary_key=True),
    Column("but", String(64), nullable=False),
    Column("reason", String(40), nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject", String(64), nullable=False),  # a conversation's id, a reference number, or "log"
    Column("reason", String(40), nullable=False),  # a code
    Column("note", Text, nullable=False),  # the author's words; they stay in this table
    Column("author", String(64), nullable=False),
    Column("signed", Text, nullable=False),  # JWS by the author's own credential
    Column("lifted", Text, nullable=False),  # JWS by whoever ended it early; "" where nobody did
    Column("begins_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
)
Index("holds_subject", holds.c.subject)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("direction", String(3), primary_key=True),  # out: of our deletions; in: of the partner's, verified
    Column("partner", String(2), nullable=False),
    Column("conversation", String(40), nullable=False),
    Column("reference", String(64), nullable=False),
    Column("signed", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

exposures = Table(
    "exposures",  # the last decision for each local record that the rule or an override was asked about
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("exposed", Boolean, nullable=False),
    Column("override", String(8), nullable=False),  # "" | expose | hide
    Column("reason", String(40), nullable=False),
    Column("changed_at", String(32), nullable=False),
)

exposure_rules = Table(
    "exposure_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rule", JSON, nullable=False),
    Column("author", String(64), nullable=False),
    Column("signed", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
