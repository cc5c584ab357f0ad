"""The trust module, each time in a process of its own: what it changes lasts as long as that."""

import os
import subprocess
import sys
import textwrap

KEY = "11" * 32
OTHER_KEY = "22" * 32
LOAD = "import neonize.client"


def run(body: str, sandbox: str | None = "1") -> subprocess.CompletedProcess[str]:
    """Runs `body` in a new interpreter, with SANDBOX set as told."""
    env = {key: value for key, value in os.environ.items() if key != "SANDBOX"}
    if sandbox is not None:
        env["SANDBOX"] = sandbox
    code = "import app.sandbox.trust as module\n" + textwrap.dedent(body)
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_trust_replaces_the_pinned_key_in_the_loaded_library():
    result = run(f"""
        {LOAD}
        address = module._pinned_key_address()
        module.trust(bytes.fromhex("{KEY}"))
        print(module.ctypes.string_at(address, 32).hex())
    """)
    assert result.stdout.strip() == KEY, result.stderr


def test_trust_accepts_the_same_key_twice():
    result = run(f"""
        {LOAD}
        module.trust(bytes.fromhex("{KEY}"))
        module.trust(bytes.fromhex("{KEY}"))
    """)
    assert result.returncode == 0, result.stderr


def test_trust_refuses_a_second_key():
    result = run(f"""
        {LOAD}
        module.trust(bytes.fromhex("{KEY}"))
        module.trust(bytes.fromhex("{OTHER_KEY}"))
    """)
    assert "trusts another sandbox already" in result.stderr


def test_trust_refuses_when_the_engine_is_not_loaded():
    result = run(f'module.trust(bytes.fromhex("{KEY}"))')
    assert "not loaded" in result.stderr


def test_trust_refuses_outside_sandbox_mode_and_changes_nothing():
    for value in (None, "0", "yes"):
        result = run(
            f"""
            {LOAD}
            try:
                module.trust(bytes.fromhex("{KEY}"))
            except module.SandboxOnly:
                print(module.ctypes.string_at(module._pinned_key_address(), 4).hex())
            """,
            sandbox=value,
        )
        assert result.stdout.strip() == "14237557", result.stderr


def test_trust_refuses_a_key_of_the_wrong_length():
    result = run('module.trust(b"short")')
    assert "32 bytes" in result.stderr
