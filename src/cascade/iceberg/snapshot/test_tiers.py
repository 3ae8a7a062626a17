from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cascade.iceberg.snapshot.tiers import MOST_ENTRIES, evenly, merged_groups


def grown(commits: list[int]) -> tuple[list[int], int]:
    """Return the sizes of the manifests after commits that add files, and how many entries were copied."""
    sizes, copied = list[int](), 0
    for added in commits:
        sizes += [len(part) for part in evenly(range(added))]
        stay, groups = merged_groups(sizes, lambda size: size, lambda size: 0)
        copied += sum(map(sum, groups))
        sizes = stay + [len(part) for group in groups for part in evenly(range(sum(group)))]
    return sizes, copied


def test_a_thousand_commits_of_a_file_leave_few_manifests_and_copy_each_entry_twice() -> None:
    sizes, copied = grown([1] * 1000)
    assert (sum(sizes), max(sizes) <= MOST_ENTRIES) == (1000, True)
    assert len(sizes) <= 1000 / (MOST_ENTRIES / 2) + 14
    assert copied <= 2 * 1000


@given(st.lists(st.integers(1, 400), max_size=60))
def test_no_file_is_lost_and_small_manifests_stay_few(commits: list[int]) -> None:
    sizes, copied = grown(commits)
    assert sum(sizes) == sum(commits)
    assert max(sizes, default=0) <= MOST_ENTRIES
    assert sum(size < MOST_ENTRIES // 2 for size in sizes) <= 14
    assert copied <= 2 * sum(commits)


def test_kinds_stay_apart() -> None:
    kinds = [*"aaaaaaaa", *"bbbbbbb"]
    stay, groups = merged_groups(kinds, lambda kind: 1, lambda kind: kind)
    assert (groups, stay) == ([["a"] * 8], ["b"] * 7)
