"""what a conversation's life needs: clocks, several acts of a kind, how a release ended, another channel."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("release", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("other_channel", sa.String(length=32), nullable=False, server_default=""))
    with op.batch_alter_table("acts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_constraint("one_act_of_a_kind", type_="unique")
        batch_op.create_unique_constraint("one_act_of_a_turn", ["conversation", "kind", "turn"])
    op.create_table(
        "clocks",
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("paused_at", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("stopped_at", sa.String(length=32), nullable=True),
        sa.Column("breached_at", sa.String(length=32), nullable=True),
        sa.Column("told_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("conversation", "name"),
    )
    with op.batch_alter_table("clocks", schema=None) as batch_op:
        batch_op.create_index("clocks_running", ["stopped_at", "due_at"], unique=False)
