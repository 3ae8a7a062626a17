"""Where the tables are, and how they are written and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from cascade.config.root import expanded


class TableSettings(BaseModel):
    """The settings of where tables are, and how they are written and kept. A part of `CascadeConfig`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    iceberg_catalog: str | None = Field(
        default=None,
        description="The URI of the Iceberg catalog: `sqlite:///…`, `postgresql://…`, `https://…` for REST, "
        "`glue://region` for AWS Glue, or the scheme of a plugin. If not set, a SQLite file in `.cascade`.",
    )
    nessie_uri: str | None = Field(
        default=None, description="The URL of a Nessie server. If set, it is the catalog, through its Iceberg REST API."
    )
    nessie_ref: str = Field(default="main", description="The Nessie branch to read and write.")
    iceberg_warehouse: str | None = Field(
        default=None,
        description="The location of the tables' files: a directory, or a URI such as `s3://bucket/path`; of a REST "
        "catalog, its name for the warehouse. If not set, a directory in `.cascade`.",
    )
    catalog_credential: SecretStr | None = Field(
        default=None,
        description="The OAuth2 client of a REST catalog, as `id:secret`. Cascade exchanges it for a token.",
    )
    catalog_token: SecretStr | None = Field(
        default=None, description="A token for a REST catalog, if you have one instead of a client."
    )
    catalog_oauth2_uri: str | None = Field(
        default=None,
        description="The URL where that client gets its token, such as "
        "`https://login.example.com/oauth2/token`. If not set, the catalog itself, which the protocol advises against.",
    )
    catalog_scope: str | None = Field(
        default=None,
        description="The OAuth2 scope to ask for, such as `PRINCIPAL_ROLE:ALL` of Polaris. If not set, `catalog`.",
    )
    s3_endpoint: str | None = Field(
        default=None, description="The URL of an S3 server that is not Amazon's, such as `http://127.0.0.1:8333`."
    )
    s3_region: str | None = Field(
        default=None,
        description="The region of the buckets. If not set, `us-east-1` with an `s3_endpoint`, else what Amazon says.",
    )
    s3_access_key_id: SecretStr | None = Field(
        default=None,
        description="The access key of S3. If not set, S3 uses what AWS's own variables, profile or instance say.",
    )
    s3_secret_access_key: SecretStr | None = Field(default=None, description="The secret of the access key.")
    keep_snapshots: int = Field(
        default=20,
        ge=0,
        description="How many snapshots of each branch a table keeps. Older ones expire when a run writes to the "
        "table, but none in its first 10 minutes. `0` keeps all: commits then get slower with their number.",
    )
    keep_snapshot_days: int = Field(
        default=7,
        ge=0,
        description="For how many past days (UTC) a table also keeps the last snapshot of the day.",
    )
    branch_retention_hours: float = Field(
        default=168.0,
        ge=1,
        description="For how many hours the rows of a run whose blocking checks failed stay on their branch. The next "
        "run that publishes to the table then removes the branch. Set more than the checks take.",
    )
    orphan_age_hours: float = Field(
        default=24.0,
        ge=1,
        description="How many hours old a file that no state of a table needs must be before maintenance removes it. "
        "Set more than the longest run and the slowest reader take; `max_runtime_seconds` of a workflow counts too.",
    )
    merge_engine: Literal["cascade", "trino"] = Field(
        default="cascade",
        description="What carries out large merges: Cascade in the process of the run, or the Trino server, which must "
        "have the tables in `trino_catalog`. The run publishes them either way.",
    )
    trino_merge_rows: int = Field(
        default=5_000_000,
        ge=1,
        description='With `merge_engine = "trino"`, how many rows a batch must have for Trino to merge it.',
    )
    trino_merge_tables: str = Field(
        default="",
        description='With `merge_engine = "trino"`, the tables whose batches Trino merges whatever their size, with '
        "commas between them, such as `raw.flights, staging.*`.",
    )

    @field_validator("iceberg_warehouse", mode="after")
    @classmethod
    def _warehouse_under_the_root(cls, value: str | None, info: Any) -> str | None:
        catalog = info.data.get("nessie_uri") or info.data.get("iceberg_catalog") or ""
        if value is None or "://" in value or value.startswith("file:") or catalog.startswith(("http://", "https://")):
            return value
        return str(Path(info.data["project_root"]) / expanded(Path(value)))
