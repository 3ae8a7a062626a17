"""The mask and pydantic agree: on which rows are valid, on the values that land, and on why a row is refused.

CASCADE_MASK_EXAMPLES sets the number of batches, and CASCADE_MASK_ROWS the most rows of each:

    export CASCADE_NEW_EXAMPLES=1 CASCADE_MASK_EXAMPLES=10000 CASCADE_MASK_ROWS=80
    python -m pytest src/cascade/schemas/mask/test_mask_agreement.py
"""

from __future__ import annotations

import os
from typing import Any, get_args, get_origin

import pyarrow as pa
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.exceptions import MissingColumnError
from cascade.schemas import Batch, declared_schema, validate_pydantic
from cascade.schemas.mask.adversarial_batches import TEXTS, batches
from cascade.schemas.mask.adversarial_models import MODELS, SETTINGS, TYPES, model_of
from cascade.schemas.validate_pydantic import PydanticValidator

EXAMPLES = int(os.environ.get("CASCADE_MASK_EXAMPLES", "150"))
ROWS = int(os.environ.get("CASCADE_MASK_ROWS", "20"))


def outcome(model: type[pydantic.BaseModel], batch: Batch, *, masked: bool, types_only: bool) -> Any:
    validator = PydanticValidator(declared_schema(model), (), types_only=types_only)
    if not masked:
        validator._masks[frozenset()] = None
    try:
        result = validator.validate(batch)
    except MissingColumnError as error:
        return str(error)
    refused = [(row.rule, row.field, row.message, repr(row.row), row.position) for row in result.refused]
    result.good.validate(full=True)
    # The representation tells NaN from null, and -0.0 from 0.0.
    return repr(result.good.to_pylist()), refused, result.dropped_fields, result.good.schema


def agree(model: type[pydantic.BaseModel], batch: Batch, *, types_only: bool = False, **steps: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"_WORTH_A_MASK": 0, "_WORTH_LOADING_POLARS": 0, **steps}.items():
            patch.setattr(validate_pydantic, name, value)
        found, expected = (outcome(model, batch, masked=masked, types_only=types_only) for masked in (True, False))
    assert found == expected, model.__pydantic_core_schema__


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(MODELS, batches(ROWS), st.sampled_from([False, False, True]))
def test_the_mask_and_pydantic_agree(model: type[pydantic.BaseModel], batch: Batch, types_only: bool) -> None:
    agree(model, batch, types_only=types_only, _STEP=5, _MASK_STEP=15)


def test_they_agree_on_every_special_text_in_every_type() -> None:
    cells = [{"x": text, "n": 3} for text in TEXTS]
    for kind in range(len(TYPES)):
        for batch in (cells, pa.Table.from_pylist(cells)):
            agree(model_of(kind, 0, 0), batch)


def test_they_agree_on_every_special_text_in_every_setting_of_strings() -> None:
    cells = [{"x": text, "n": 3} for text in TEXTS]
    for kind, annotation in enumerate(TYPES):
        if str in (annotation, get_origin(annotation), *get_args(annotation)) or isinstance(
            annotation, pydantic.StringConstraints
        ):
            for setting in range(1, len(SETTINGS)):
                agree(model_of(kind, setting, 0), cells)
