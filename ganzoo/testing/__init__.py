"""The conformance kit: it holds a plugin to the contracts of `ganzoo.plugin` and says which line broke where.

Plain functions run it without pytest, one for each kind::

    for result in check_architecture("blobgan"):
        ...

The same checks as tests, in one line::

    @parametrize_checks("acme")
    def test_contract(check):
        check()

``ganzoo check NAME`` runs them on the command line. A check is named ``KIND/COMPONENT/CHECK``.
"""

from ganzoo.testing.checks import Check, Failure, NotChecked, Result, Skip
from ganzoo.testing.collect import (
    check,
    check_architecture,
    check_augmentation,
    check_cases,
    check_dataset,
    check_diagnosis,
    check_exporter,
    check_extractor,
    check_loss,
    check_metric,
    check_plugin,
    check_recipe,
    check_regularizer,
    check_tracker,
    collect_checks,
    parametrize_checks,
)

__all__ = [
    "Check",
    "Failure",
    "NotChecked",
    "Result",
    "Skip",
    "check",
    "check_architecture",
    "check_augmentation",
    "check_cases",
    "check_dataset",
    "check_diagnosis",
    "check_exporter",
    "check_extractor",
    "check_loss",
    "check_metric",
    "check_plugin",
    "check_recipe",
    "check_regularizer",
    "check_tracker",
    "collect_checks",
    "parametrize_checks",
]
