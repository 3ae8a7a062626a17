"""The target `cascade_image`."""

from __future__ import annotations

import re
from typing import Optional

from pants.core.goals.package import OutputPathField
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    DictStringToStringField,
    InvalidFieldException,
    InvalidFieldTypeException,
    SpecialCasedDependencies,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.frozendict import FrozenDict
from pants.util.strutil import help_text

from cascade_pants.engine import EnvironmentField

_USER = re.compile(r"\d+(:\d+)?")
# The grammar of references of the distribution project, without a digest:
# https://github.com/distribution/reference/blob/main/reference.go
_REFERENCE = re.compile(
    r"([a-zA-Z0-9.-]+(:\d+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*:\w[\w.-]{0,127}",
    re.ASCII,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _OneAddressField(SpecialCasedDependencies):
    """The address of one target. Pants resolves sequences of addresses only."""

    @classmethod
    def compute_value(  # type: ignore[override]
        cls, raw_value: str | None, address: Address
    ) -> Optional[tuple[str, ...]]:  # noqa: UP045
        """Return the address as the only one of a sequence."""
        if raw_value is not None and not isinstance(raw_value, str):
            raise InvalidFieldTypeException(address, cls.alias, raw_value, expected_type="a string, such as ':dev'")
        value: tuple[str, ...] | None = super().compute_value(None if raw_value is None else [raw_value], address)
        return value


class CascadeImageProjectField(_OneAddressField):
    alias = "project"
    required = True
    help = help_text(
        """
        The project in the image, as the address of a `cascade_project`.

        Example: `project=":dev"`
        """
    )


class CascadeImageBaseField(_OneAddressField):
    alias = "base"
    required = True
    help = help_text(
        """
        The image that this one is built upon, as the address of a `file` or `files` target.

        The files are one image in OCI layout: a tar file, or a directory with `oci-layout`, `index.json` and `blobs`.
        It must contain the version of Python that the project is packaged for, for the platform of the machine that
        builds. Pants reads it as it is, so an image changes only if its base does, and nothing is pulled.

        Example, with a file that `skopeo copy docker://python:3.11-slim oci-archive:images/python.tar` wrote:

            file(name="python", source="python.tar")

            cascade_image(name="image", project="//:dev", base=":python")

        A `file` whose source is an `http_source` keeps it outside of the repository, by its digest.
        """
    )


class CascadeImageReferenceField(StringField):
    alias = "reference"
    help = help_text(
        """
        The name and tag of the image, for programs that load it.

        By default, the name of the project and `latest`.

        Example: `reference="registry.example.com/data/dev:1.4"`
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:  # noqa: UP045
        """Return the reference, which must have a tag."""
        value = super().compute_value(raw_value, address)
        if value is not None and not _REFERENCE.fullmatch(value):
            raise InvalidFieldException(
                f"The field `{cls.alias}` of the target {address} is {value!r}. It must be a name in small letters and "
                'a tag, such as "data/dev:1.4".'
            )
        return value


class CascadeImageCommandField(StringSequenceField):
    alias = "command"
    default = ("--help",)
    help = help_text(
        """
        The arguments of `cascade` if the image is started without any. By default, it prints the help.

        Example: `command=["code-server", "--host", "0.0.0.0", "--port", "4000"]`
        """
    )


class CascadeImageUserField(StringField):
    alias = "user"
    default = "65532:65532"
    help = help_text(
        """
        The user and the group that the image runs as, by their numbers.

        They own `/project`, the working directory, where the state of an embedded lakehouse is. Everything else is
        read-only to them. With `"0"`, the image runs as root.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:  # noqa: UP045
        """Return the user, which must be a number: a name may mean somebody else on another base."""
        value = super().compute_value(raw_value, address)
        if value is not None and not _USER.fullmatch(value):
            raise InvalidFieldException(
                f"The field `{cls.alias}` of the target {address} is {value!r}. It must be the number of a user, or "
                'those of a user and a group, such as "1000:1000".'
            )
        return value

    @property
    def owner(self) -> tuple[int, int]:
        """The numbers of the user and the group."""
        user, _, group = (self.value or self.default).partition(":")
        return int(user), int(group or user)


class CascadeImageEnvField(DictStringToStringField):
    alias = "env"
    help = help_text(
        """
        Variables of the image's environment, in addition to those of its base.

        Everyone who has the image can read them, so set passwords where the image runs instead.

        Example: `env={"CASCADE_ICEBERG_WAREHOUSE": "s3://lake/warehouse"}`
        """
    )

    @classmethod
    def compute_value(
        cls,
        raw_value: Optional[dict[str, str]],  # noqa: UP045
        address: Address,
    ) -> Optional[FrozenDict[str, str]]:  # noqa: UP045
        """Return the variables, whose names must be those of variables."""
        value = super().compute_value(raw_value, address)
        for name in value or ():
            if not _VARIABLE.fullmatch(name):
                raise InvalidFieldException(
                    f"The field `{cls.alias}` of the target {address} has the variable {name!r}. A name has letters, "
                    "digits and underscores."
                )
        return value


class CascadeImageLabelsField(DictStringToStringField):
    alias = "labels"
    help = help_text(
        """
        Labels of the image, in addition to those of its base.

        Example: `labels={"org.opencontainers.image.source": "https://git.example.com/data"}`
        """
    )


class CascadeImageTarget(Target):
    alias = "cascade_image"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        CascadeImageProjectField,
        CascadeImageBaseField,
        CascadeImageReferenceField,
        CascadeImageCommandField,
        CascadeImageUserField,
        CascadeImageEnvField,
        CascadeImageLabelsField,
        OutputPathField,
        EnvironmentField,
    )
    help = help_text(
        """
        A container image of a `cascade_project`, in OCI layout.

        `pants package :image` writes the directory `dist/image.oci`, without Docker or any other container engine and
        without network. It has the layers of `base`, one with the requirements, which an edit of sources leaves as it
        is, and one with the sources. The same inputs result in the same digest.

        The image runs `cascade` with the workflows of the project, as a user without privileges, in `/project`.

        Example, in the BUILD file at the root of the repository:

            cascade_project(name="dev")

            file(name="python", source="python.tar")

            cascade_image(name="image", project=":dev", base=":python")
        """
    )
