"""Encode manifests of format version 2.

pyiceberg encodes a manifest's schema and each of its entries anew, which dominates the cost of a commit that copies
entries. Here both are encoded once per process: what an entry says about its file never changes.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from functools import partial
from typing import cast

from pydantic_core import to_json
from pyiceberg.avro.codecs import AVRO_CODEC_KEY, CODEC_MAPPING_ICEBERG_TO_AVRO, KNOWN_CODECS, AvroCompressionCodec
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import MAGIC, META_SCHEMA, SYNC_SIZE, AvroFileHeader
from pyiceberg.avro.resolver import construct_writer
from pyiceberg.avro.writer import StructWriter, Writer
from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
)
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

from cascade.iceberg.snapshot.cache import BoundedCache

_CONTENT = {ManifestContent.DATA: "data", ManifestContent.DELETES: "deletes"}
_MOST_BYTES = 8 * 1024 * 1024
_MOST_FORMS = 64

_data_files = BoundedCache[bytes](_MOST_BYTES)
_forms: dict[tuple[object, ...], ManifestForm] = {}


class ManifestForm:
    """What the manifests of one schema, partition spec and content have in common.

    Args:
        metadata: the table's metadata.
        spec_id: the partition spec of the files.
        content: whether the manifests list data files or delete files.
        codec: how they are compressed.
    """

    def __init__(
        self, metadata: TableMetadata, spec_id: int, content: ManifestContent, codec: AvroCompressionCodec
    ) -> None:
        spec, schema = metadata.specs()[spec_id], metadata.schema()
        data_file = data_file_with_partition(spec.partition_type(schema), 2)
        entry = manifest_entry_schema_with_data_file(2, data_file)
        writer = cast("StructWriter", construct_writer(entry))
        self._leading = writer.field_writers[:-1]
        self._data_file: Writer = writer.field_writers[-1][1]
        self._codec = KNOWN_CODECS[codec]
        self._sync = os.urandom(SYNC_SIZE)
        meta = {
            "schema": schema.model_dump_json(),
            "partition-spec": to_json(spec.fields).decode(),
            "partition-spec-id": str(spec_id),
            "format-version": "2",
            "content": _CONTENT[content],
            "avro.schema": json.dumps(AvroSchemaConversion().iceberg_to_avro(entry, schema_name="manifest_entry")),
            AVRO_CODEC_KEY: codec,
        }
        header = io.BytesIO()
        construct_writer(META_SCHEMA).write(BinaryEncoder(header), AvroFileHeader(MAGIC, meta, self._sync))
        self._header = header.getvalue()

    @classmethod
    def of(cls, metadata: TableMetadata, spec_id: int, content: ManifestContent, codec: str) -> ManifestForm:
        """Return the form, which is made once per process.

        Args:
            metadata: the table's metadata.
            spec_id: the partition spec of the files.
            content: whether the manifests list data files or delete files.
            codec: the codec by Iceberg's or Avro's name.

        Raises:
            ValueError: the codec is unknown.
        """
        name = cast("AvroCompressionCodec", CODEC_MAPPING_ICEBERG_TO_AVRO.get(codec, codec))
        if name not in KNOWN_CODECS:
            raise ValueError(f"write.avro.compression-codec is {codec!r}; the codecs are {', '.join(KNOWN_CODECS)}")
        key = (metadata.table_uuid, metadata.current_schema_id, spec_id, content, name)
        found = _forms.get(key)
        if found is None:
            if len(_forms) >= _MOST_FORMS:
                _forms.clear()
            found = _forms[key] = cls(metadata, spec_id, content, name)
        return found

    def encoded(self, entries: Sequence[ManifestEntry]) -> bytes:
        """Return a manifest as a file.

        Args:
            entries: the entries. Those of new files have no sequence numbers.
        """
        block = io.BytesIO()
        encoder = BinaryEncoder(block)
        for entry in entries:
            for position, writer in self._leading:
                writer.write(encoder, entry[position] if position is not None else None)
            file = entry.data_file
            encoder.write(_data_files.get(file.file_path, partial(self._encoded_file, file)))
        content = block.getvalue()
        if self._codec is not None:
            content, _ = self._codec.compress(content)
        result = io.BytesIO()
        encoder = BinaryEncoder(result)
        encoder.write(self._header)
        encoder.write_int(len(entries))
        encoder.write_bytes(content)
        encoder.write(self._sync)
        return result.getvalue()

    def _encoded_file(self, file: DataFile) -> bytes:
        encoded = io.BytesIO()
        self._data_file.write(BinaryEncoder(encoded), file)
        return encoded.getvalue()
