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

from ganzoo.testing.checks import Broken, Check, Result, Skip, Unseen
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
    checks_of,
    parametrize_checks,
)

__all__ = [
    "Broken",
    "Check",
    "Result",
    "Skip",
    "Unseen",
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
    "checks_of",
    "parametrize_checks",
]
