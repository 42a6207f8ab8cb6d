# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step jupyter, run by bash on home directories like those of images."""

from __future__ import annotations

import pytest

from ansible_collections.datalab.notebooks.tests.unit.notebook_host.host import Host, wait_for

Scripts = dict[str, dict[str, str]]

OWN = 'type("Registered", (Manager,), registered)\n'


@pytest.fixture
def jupyter(host: Host, scripts: Scripts) -> Host:
    """An instance with the step jupyter only."""
    (host.home / ".condarc").write_text("channels: [defaults]\n")
    return host.install(scripts["only jupyter"]["on-start.sh"])


def test_only_registered_kernels_are_listed(jupyter: Host) -> None:
    jupyter.start()
    assert jupyter.status == {"jupyter": "ok"}
    assert not (jupyter.home / ".condarc").exists()
    config = (jupyter.home / ".jupyter/jupyter_server_config.py").read_text()
    assert config.endswith("\nc.ServerApp.kernel_spec_manager_class = " + OWN)


def test_terminals_are_login_shells(jupyter: Host) -> None:
    jupyter.start()
    config = (jupyter.home / ".jupyter/jupyter_server_config.py").read_text()
    assert 'c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash", "-l"]}\n' in config
    assert "c.LabApp.news_url = None\n" in config


def test_settings_of_the_image_or_a_person_stay_but_ours_win(jupyter: Host) -> None:
    config = jupyter.home / ".jupyter/jupyter_server_config.py"
    config.parent.mkdir()
    before = "c.ServerApp.kernel_spec_manager_class = 'environment_kernels.EnvironmentKernelSpecManager'\nc.X.y = 1"
    config.write_text(before)
    jupyter.start()
    assert config.read_text().startswith(before + "\n#")
    assert config.read_text().endswith(OWN)
    config.write_text(config.read_text() + "c.X.z = 2\n")
    jupyter.start()
    assert config.read_text().startswith(before + "\nc.X.z = 2\n#")
    assert config.read_text().count(OWN) == 1


def test_the_server_is_restarted_once_and_only_for_a_change(jupyter: Host) -> None:
    detached = jupyter.stub("setsid", 'exec /usr/bin/env PATH=/usr/bin:/bin setsid "$@"')
    jupyter.start()
    jupyter.start()
    restarted = jupyter.stubs / "systemctl.calls"
    wait_for(restarted.exists)
    assert len(detached.read_text().splitlines()) == 1
    assert restarted.read_text() == "try-restart|jupyter-server\n"


def test_the_server_is_restarted_after_the_start_only(jupyter: Host, scripts: Scripts) -> None:
    script = scripts["only jupyter"]["on-start.sh"].replace("exit 0", "sleep 2; echo end >>$0.order")
    jupyter.stub("systemctl", f"echo restart >>{jupyter.script}.order")
    jupyter.install(script).start()
    order = jupyter.script.with_name("on-start.sh.order")
    wait_for(lambda: "restart" in order.read_text())
    assert order.read_text() == "end\nrestart\n"
