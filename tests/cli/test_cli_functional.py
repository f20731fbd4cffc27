from __future__ import annotations


def test_the_functional_on_the_command_line(run):
    outcome = run("compare", "--depth", "10", "--width", "40", "--functional", "orthogonal", "--quantities", "log_grad_growth")
    assert outcome.status == 0
    assert "agree" in outcome.out
    refused = run("predict", "--depth", "3", "--width", "5", "--functional", "sideways")
    assert refused.status == 2
    assert "generic, parallel, orthogonal" in refused.err
