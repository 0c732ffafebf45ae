"""The first tables of the archive."""

import sqlalchemy as sa
from alembic import op

from jackfield.store.schema import Moment, Plain

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, nullable=False),
        sa.Column("password_hash", Plain, server_default="", nullable=False),
        sa.Column("role", Plain, server_default="", nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("locked_until", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("signed_in_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_account")),
    )
    op.create_table(
        "alarm",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("subject", Plain, server_default="", nullable=False),
        sa.Column("severity", Plain, server_default="", nullable=False),
        sa.Column("text", Plain, server_default="", nullable=False),
        sa.Column("next_step", Plain, server_default="", nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["tenant", "kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "api_token",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Plain, nullable=False),
        sa.Column("hash", Plain, nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("role", Plain, server_default="", nullable=False),
        sa.Column("created_by", Plain, server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("tenant", "hash", name=op.f("uq_api_token_tenant_hash")),
    )
    op.create_table(
        "connection",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tid", Plain, server_default="", nullable=False),
        sa.Column("organisation", Plain, server_default="", nullable=False),
        sa.Column("cloud", Plain, server_default="", nullable=False),
        sa.Column("login_url", Plain, server_default="", nullable=False),
        sa.Column("graph_url", Plain, server_default="", nullable=False),
        sa.Column("ca_bundle", Plain, server_default="", nullable=False),
        sa.Column("client_id", Plain, server_default="", nullable=False),
        sa.Column("credential", Plain, server_default="", nullable=False),
        sa.Column("secret_name", Plain, server_default="", nullable=False),
        sa.Column("default_domain", Plain, server_default="", nullable=False),
        sa.Column("usage_country", Plain, server_default="", nullable=False),
        sa.Column("connected_at", Moment(), nullable=False),
        sa.Column("last_verified_at", Moment(), nullable=True),
        sa.Column("credential_expires_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_connection")),
    )
    op.create_table(
        "cursor",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resource", Plain, nullable=False),
        sa.Column("position", Plain, nullable=True),
        sa.Column("round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column("full_finished_at", Moment(), nullable=True),
        sa.Column("pages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_people", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "resource", name=op.f("pk_cursor")),
    )
    op.create_table(
        "department",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("name_folded", Plain, server_default="", nullable=False),
        sa.Column("external_key", Plain, nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_department")),
        sa.UniqueConstraint(
            "tenant", "external_key", name=op.f("uq_department_tenant_external_key")
        ),
        sa.UniqueConstraint("tenant", "name_folded", name=op.f("uq_department_tenant_name_folded")),
    )
    op.create_table(
        "department_link",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", Plain, nullable=False),
        sa.Column("key", Plain, server_default="", nullable=False),
        sa.Column("agreed_name", Plain, server_default="", nullable=False),
        sa.Column("group_name", Plain, server_default="", nullable=False),
        sa.Column("flag", Plain, nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_id", name=op.f("pk_department_link")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_department_link_tenant_key")),
    )
    op.create_table(
        "directory_group",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Plain, nullable=False),
        sa.Column("standing", Plain, server_default="", nullable=False),
        sa.Column("sort", Plain, server_default="", nullable=False),
        sa.Column("words", Plain, server_default="", nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("dynamic", sa.Boolean(), nullable=False),
        sa.Column("description", Plain, server_default="", nullable=False),
        sa.Column("mail", Plain, server_default="", nullable=False),
        sa.Column("seen_round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_directory_group")),
    )
    op.create_index(
        "ix_directory_group_changed", "directory_group", ["tenant", "changed_seq"], unique=False
    )
    op.create_index(
        "ix_directory_group_list",
        "directory_group",
        ["tenant", "standing", "sort", "id", "words"],
        unique=False,
    )
    op.create_table(
        "extension",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("number", Plain, server_default="", nullable=False),
        sa.Column("first_name", Plain, server_default="", nullable=False),
        sa.Column("last_name", Plain, server_default="", nullable=False),
        sa.Column("email", Plain, server_default="", nullable=False),
        sa.Column("mobile", Plain, server_default="", nullable=False),
        sa.Column("job_title", Plain, server_default="", nullable=False),
        sa.Column("company", Plain, server_default="", nullable=False),
        sa.Column("primary_department", Plain, nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("external_key", Plain, nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_extension")),
        sa.UniqueConstraint(
            "tenant", "external_key", name=op.f("uq_extension_tenant_external_key")
        ),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_extension_tenant_number")),
    )
    op.create_index("ix_extension_changed", "extension", ["tenant", "changed_seq"], unique=False)
    op.create_table(
        "extension_membership",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("department", Plain, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "key", "department", name=op.f("pk_extension_membership")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_extension_membership_department",
        "extension_membership",
        ["tenant", "department"],
        unique=False,
    )
    op.create_table(
        "forgotten_removals",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_forgotten_removals")),
    )
    op.create_table(
        "graph_usage",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("minute", Moment(), nullable=False),
        sa.Column("workload", Plain, nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("throttled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "minute", "workload", name=op.f("pk_graph_usage")),
    )
    op.create_table(
        "group_member",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", Plain, nullable=False),
        sa.Column("member", Plain, nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("seen_round", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "group_id", "member", name=op.f("pk_group_member")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_member_member", "group_member", ["tenant", "member"], unique=False)
    op.create_table(
        "journal",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("subject", Plain, server_default="", nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("text", Plain, server_default="", nullable=False),
        sa.Column("words", Plain, server_default="", nullable=False),
        sa.Column("run", Plain, server_default="", nullable=False),
        sa.Column("by", Plain, server_default="", nullable=False),
        sa.Column("data", Plain, server_default="", nullable=False),
        sa.Column("once", Plain, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "seq", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_at", "journal", ["tenant", "at"], unique=False)
    op.create_index("ix_journal_kind", "journal", ["tenant", "kind", "seq"], unique=False)
    op.create_index("ix_journal_run", "journal", ["tenant", "run", "seq"], unique=False)
    op.create_index("ix_journal_subject", "journal", ["tenant", "subject", "seq"], unique=False)
    op.create_index(
        "uq_journal_once",
        "journal",
        ["tenant", "once"],
        unique=True,
        sqlite_where=sa.text("once IS NOT NULL"),
        postgresql_where=sa.text("once IS NOT NULL"),
    )
    op.create_table(
        "lease",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, nullable=False),
        sa.Column("owner", Plain, server_default="", nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_lease")),
    )
    op.create_table(
        "link",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", Plain, nullable=False),
        sa.Column("key", Plain, server_default="", nullable=False),
        sa.Column("number", Plain, server_default="", nullable=False),
        sa.Column("agreed", Plain, server_default="", nullable=False),
        sa.Column("departments", Plain, server_default="", nullable=False),
        sa.Column("left_cause", Plain, nullable=True),
        sa.Column("linked_at", Moment(), nullable=False),
        sa.Column("synced_at", Moment(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person", name=op.f("pk_link")),
        sa.UniqueConstraint("tenant", "key", name=op.f("uq_link_tenant_key")),
    )
    op.create_index("ix_link_changed", "link", ["tenant", "changed_seq"], unique=False)
    op.create_index(
        "ix_link_left",
        "link",
        ["tenant", "key"],
        unique=False,
        sqlite_where=sa.text("left_cause IS NOT NULL"),
        postgresql_where=sa.text("left_cause IS NOT NULL"),
    )
    op.create_table(
        "person",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Plain, nullable=False),
        sa.Column("standing", Plain, server_default="", nullable=False),
        sa.Column("sort", Plain, server_default="", nullable=False),
        sa.Column("words", Plain, server_default="", nullable=False),
        sa.Column("hash", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seen_round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("removed_at", Moment(), nullable=True),
        sa.Column("upn", Plain, server_default="", nullable=False),
        sa.Column("display_name", Plain, server_default="", nullable=False),
        sa.Column("given_name", Plain, server_default="", nullable=False),
        sa.Column("surname", Plain, server_default="", nullable=False),
        sa.Column("mail", Plain, server_default="", nullable=False),
        sa.Column("mobile_phone", Plain, server_default="", nullable=False),
        sa.Column("business_phone", Plain, server_default="", nullable=False),
        sa.Column("job_title", Plain, server_default="", nullable=False),
        sa.Column("company_name", Plain, server_default="", nullable=False),
        sa.Column("department", Plain, server_default="", nullable=False),
        sa.Column("office_location", Plain, server_default="", nullable=False),
        sa.Column("usage_location", Plain, server_default="", nullable=False),
        sa.Column("preferred_language", Plain, server_default="", nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("user_type", Plain, server_default="", nullable=False),
        sa.Column("skus", Plain, server_default="", nullable=False),
        sa.Column("has_mailbox", sa.Boolean(), nullable=False),
        sa.Column("has_teams", sa.Boolean(), nullable=False),
        sa.Column("is_resource_account", sa.Boolean(), nullable=False),
        sa.Column("disabled_when_first_seen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_person")),
    )
    op.create_index("ix_person_changed", "person", ["tenant", "changed_seq"], unique=False)
    op.create_index(
        "ix_person_list", "person", ["tenant", "standing", "sort", "id", "words"], unique=False
    )
    op.create_table(
        "phone_department",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("external_key", Plain, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_phone_department")),
    )
    op.create_table(
        "phone_extension",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("number", Plain, server_default="", nullable=False),
        sa.Column("sort", Plain, server_default="", nullable=False),
        sa.Column("sort_number", Plain, server_default="", nullable=False),
        sa.Column("words", Plain, server_default="", nullable=False),
        sa.Column("first_name", Plain, server_default="", nullable=False),
        sa.Column("last_name", Plain, server_default="", nullable=False),
        sa.Column("email", Plain, server_default="", nullable=False),
        sa.Column("mobile", Plain, server_default="", nullable=False),
        sa.Column("job_title", Plain, server_default="", nullable=False),
        sa.Column("company", Plain, server_default="", nullable=False),
        sa.Column("primary_department", Plain, nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("external_key", Plain, nullable=True),
        sa.Column("seen_round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_phone_extension")),
    )
    op.create_index(
        "ix_phone_extension_changed", "phone_extension", ["tenant", "changed_seq"], unique=False
    )
    op.create_index(
        "ix_phone_extension_disabled",
        "phone_extension",
        ["tenant", "sort", "key"],
        unique=False,
        sqlite_where=sa.text("enabled IS 0"),
        postgresql_where=sa.text("enabled IS false"),
    )
    op.create_index(
        "ix_phone_extension_external", "phone_extension", ["tenant", "external_key"], unique=False
    )
    op.create_index(
        "ix_phone_extension_list",
        "phone_extension",
        ["tenant", "sort", "key", "words"],
        unique=False,
    )
    op.create_index(
        "ix_phone_extension_number",
        "phone_extension",
        ["tenant", "sort_number", "key"],
        unique=False,
    )
    op.create_table(
        "phone_membership",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("department", Plain, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "department", name=op.f("pk_phone_membership")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_phone_membership_department", "phone_membership", ["tenant", "department"], unique=False
    )
    op.create_table(
        "phone_number",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", Plain, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_phone_number")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "phone_state",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cursor", Plain, nullable=True),
        sa.Column("round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_phone_state")),
    )
    op.create_table(
        "plan",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", Plain, server_default="", nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", Plain, server_default="", nullable=False),
        sa.Column("scope", Plain, server_default="", nullable=False),
        sa.Column("people_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("phones_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settings_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("people_now", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", Plain, server_default="", nullable=False),
        sa.Column("held_counts", Plain, server_default="", nullable=False),
        sa.Column("refusals", Plain, server_default="", nullable=False),
        sa.Column("notices", Plain, server_default="", nullable=False),
        sa.Column("run", Plain, server_default="", nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", Plain, server_default="", nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("text", Plain, server_default="", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_plan")),
    )
    op.create_index("ix_plan_run", "plan", ["tenant", "run"], unique=False)
    op.create_index("ix_plan_status", "plan", ["tenant", "status", "id"], unique=False)
    op.create_table(
        "plan_action",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("subject", Plain, server_default="", nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("words", Plain, server_default="", nullable=False),
        sa.Column("payload", Plain, server_default="", nullable=False),
        sa.Column("dangers", Plain, server_default="", nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("status", Plain, server_default="", nullable=False),
        sa.Column("text", Plain, server_default="", nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "plan", "seq", name=op.f("pk_plan_action")),
    )
    op.create_index(
        "ix_plan_action_open", "plan_action", ["tenant", "plan", "status", "seq"], unique=False
    )
    op.create_index(
        "ix_plan_action_subject", "plan_action", ["tenant", "subject", "plan"], unique=False
    )
    op.create_table(
        "planned",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("people_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("phones_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settings_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unsettled", Plain, server_default="[]", nullable=False),
        sa.Column("added", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_planned")),
    )
    op.create_table(
        "removed_extension",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", Plain, nullable=False),
        sa.Column("removed_at", Moment(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_removed_extension")),
    )
    op.create_index(
        "ix_removed_extension_changed", "removed_extension", ["tenant", "changed_seq"], unique=False
    )
    op.create_table(
        "run",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain, server_default="", nullable=False),
        sa.Column("trigger", Plain, server_default="", nullable=False),
        sa.Column("mode", Plain, server_default="", nullable=False),
        sa.Column("by", Plain, server_default="", nullable=False),
        sa.Column("status", Plain, server_default="", nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stage", Plain, server_default="", nullable=False),
        sa.Column("counts", Plain, server_default="", nullable=False),
        sa.Column("text", Plain, server_default="", nullable=False),
        sa.Column("flow", Plain, nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_run")),
        sa.UniqueConstraint("tenant", "flow", name=op.f("uq_run_tenant_flow")),
    )
    op.create_index("ix_run_changed", "run", ["tenant", "changed_seq"], unique=False)
    op.create_index("ix_run_started", "run", ["tenant", "started_at"], unique=False)
    op.create_table(
        "schedule",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("work", Plain, nullable=False),
        sa.Column("wanted", Plain, nullable=True),
        sa.Column("wanted_people", Plain, server_default="[]", nullable=False),
        sa.Column("mark", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("wanted_at", Moment(), nullable=True),
        sa.Column("last_delta_at", Moment(), nullable=True),
        sa.Column("last_full_at", Moment(), nullable=True),
        sa.Column("not_before", Moment(), nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "work", name=op.f("pk_schedule")),
    )
    op.create_table(
        "search_token",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain, nullable=False),
        sa.Column("token", Plain, nullable=False),
        sa.Column("ref", Plain, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "token", "ref", name=op.f("pk_search_token")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "secret",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, nullable=False),
        sa.Column("sealed", Plain, server_default="", nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_secret")),
    )
    op.create_table(
        "sequences",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("change", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("journal", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("plan", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("alarm", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("extension_key", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_sequences")),
    )
    op.create_table(
        "session",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_hash", Plain, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key_hash", name=op.f("pk_session")),
    )
    op.create_index("ix_session_expires", "session", ["tenant", "expires_at"], unique=False)
    op.create_table(
        "settings",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, nullable=False),
        sa.Column("document", Plain, server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("changed_by", Plain, server_default="", nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_settings")),
    )
    op.create_table(
        "sku",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", Plain, nullable=False),
        sa.Column("part_number", Plain, server_default="", nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sku")),
    )
    op.create_table(
        "tenant",
        sa.Column("tenant", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", Plain, server_default="", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("state", Plain, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_tenant")),
    )
