"""Errors of an object store, and the setting that each of them points to."""

from __future__ import annotations

import re

_ADDRESS_HINT = (
    "Start the S3 server, or correct its address in CASCADE_S3_ENDPOINT. Without it, the bucket is one of Amazon's."
)
LOGIN_HINT = (
    "Check CASCADE_S3_ACCESS_KEY_ID and CASCADE_S3_SECRET_ACCESS_KEY, and that the key may write there. Without them, "
    "S3 uses AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an AWS profile."
)
"""What to check if S3 refuses a request."""

_BUCKET_HINT = "Create the bucket, or correct its name in CASCADE_ICEBERG_WAREHOUSE."
_BY_CODE = {
    "NETWORK_CONNECTION": _ADDRESS_HINT,
    "NO_SUCH_BUCKET": _BUCKET_HINT,
    "ACCESS_DENIED": LOGIN_HINT,
    "INVALID_ACCESS_KEY_ID": LOGIN_HINT,
    "SIGNATURE_DOES_NOT_MATCH": LOGIN_HINT,
    "INVALID_SIGNATURE": LOGIN_HINT,
    "EXPIRED_TOKEN": LOGIN_HINT,
    "UNRECOGNIZED_CLIENT": LOGIN_HINT,
}
_CODE = re.compile(r"AWS Error ([A-Z_]+)")


def store_hint(said: str) -> str | None:
    """Return what to correct after an error of S3.

    Args:
        said: the message of pyarrow, in which the AWS SDK names the kind of the error, such as `ACCESS_DENIED`.

    Returns:
        A hint, or None if the message is of no error that a setting can cause.
    """
    code = _CODE.search(said)
    return _BY_CODE.get(code[1]) if code else None
