"""matters, the acts in them, marks on supplied data, and who else got it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matters",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("partner", sa.String(2), nullable=False),
        sa.Column("agreement", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.String(32)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
    )
    op.create_index("matters_subject", "matters", ["subject"])
    op.create_index("matters_due", "matters", ["due_at"])
    op.create_table(
        "matter_acts",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("matter", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("matter_acts_matter", "matter_acts", ["matter"])
    op.create_table(
        "marks",
        sa.Column("subject", sa.String(40), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("use", sa.String(40), nullable=False),
        sa.Column("matter", sa.String(40), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "disseminations",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("recipient", sa.String(200), nullable=False),
        sa.Column("recipient_kind", sa.String(24), nullable=False),
        sa.Column("use", sa.String(40), nullable=False),
        sa.Column("caveat", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("consent", sa.String(40), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("disseminations_subject", "disseminations", ["subject"])
    op.create_table(
        "recalls",
        sa.Column("matter", sa.String(40), sa.ForeignKey("matters.id"), primary_key=True),
        sa.Column("dissemination", sa.String(40), sa.ForeignKey("disseminations.id"), primary_key=True),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("told_at", sa.String(32)),
        sa.Column("told_by", sa.String(64)),
        sa.Column("receipt", sa.String(200)),
    )
