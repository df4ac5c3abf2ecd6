import os
import subprocess

import pytest
import requests


def url(name, default):
    return f"http://localhost:{os.environ.get(name, default)}"


class Tallystick:
    gateway = url("TALLYSTICK_GATEWAY_PORT", 4100)
    control = url("TALLYSTICK_CONTROL_API_PORT", 4300)

    def post(self, path, **body):
        answer = requests.post(self.control + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def token(self, **request):
        return self.post("/tokens", **request)["accessToken"]

    def call(self, path, token, method="GET"):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.gateway + path, headers=headers, timeout=60)


@pytest.fixture(scope="session")
def running():
    command = ["tallystick", "start", "--config", "tallystick.yaml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        ready = any(line.startswith("Tallystick is ready") for line in process.stdout)
        assert ready, "Tallystick did not start"
        yield Tallystick()
        process.terminate()


@pytest.fixture
def tally(running):
    yield running
    running.post("/reset")
