"""What all tests share: no real AWS by accident, no stopwatch on machines that are busy."""

import hypothesis
import pytest

hypothesis.settings.register_profile("shared-machine", deadline=None, max_examples=100)
hypothesis.settings.load_profile("shared-machine")


@pytest.fixture(autouse=True)
def no_real_aws(monkeypatch):
    """Credentials and settings of whoever runs the tests are out of reach."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
