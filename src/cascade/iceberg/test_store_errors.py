from __future__ import annotations

import pytest

from cascade.iceberg.store_errors import store_hint

PREFIX = "When initiating multiple part upload for key 'a' in bucket 'lake': "


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ("AWS Error ACCESS_DENIED during CreateMultipartUpload operation: Access Denied.", "CASCADE_S3_ACCESS_KEY_ID"),
        ("AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 7, ...", "CASCADE_S3_ENDPOINT"),
        ("AWS Error NO_SUCH_BUCKET during PutObject operation: The bucket ...", "CASCADE_ICEBERG_WAREHOUSE"),
    ],
)
def test_an_error_of_s3_points_to_the_setting_that_causes_it(said: str, setting: str) -> None:
    hint = store_hint(PREFIX + said)
    assert hint is not None and setting in hint


def test_other_errors_point_to_no_setting() -> None:
    assert store_hint(PREFIX + "AWS Error SLOW_DOWN during PutObject operation: Reduce your request rate.") is None
    assert store_hint("[Errno 28] No space left on device") is None
