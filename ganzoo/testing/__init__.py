"""The conformance kit: it checks a plugin against the contracts of `ganzoo.plugin` and reports each rule it breaks.

Without pytest, call the function of the component's kind::

    for result in check_architecture("blobgan"):
        ...

The same checks as tests::

    @parametrize_checks("acme")
    def test_contract(check):
        check()

``ganzoo check NAME`` runs them on the command line. The name of a check is ``KIND/COMPONENT/CHECK``.
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
