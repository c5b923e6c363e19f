"""What can be known of the production files without a container engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url

from api.auth import MACHINE_PATHS
from api.routes import health
from cli import guard
from cli.local_postgres import PostgresServer, postgres_binaries
from cli.main import app
from cli.temporal_server import temporal_binary, temporal_server
from records.settings import Settings
from tests.support.certificates import make_for_us
from workflows.names import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
README = (DEPLOY / "README.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")
ONE_OFF = {"certificates", "migrate", "temporal-schema", "temporal-namespace"}
SERVERS = sorted(set(SERVICES) - ONE_OFF)


def environment_of(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service].get("environment", {}).items()}


def test_every_variable_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", README, re.MULTILINE))
    used = {name: (kind, value) for name, kind, value in VARIABLE.findall(COMPOSE_TEXT)}
    assert set(rows) == set(used)
    for name, (kind, value) in used.items():
        expected = "*must*" if kind == "?" else (value or "empty")
        assert rows[name] == expected, name


def test_the_example_asks_for_whatever_has_no_default() -> None:
    musts = {name for name, kind, _ in VARIABLE.findall(COMPOSE_TEXT) if kind == "?"}
    given = re.findall(r"^([A-Z_]+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE)
    assert musts <= set(given)
    assert set(given) <= {name for name, _, _ in VARIABLE.findall(COMPOSE_TEXT)}


def is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr


@pytest.mark.parametrize("service", ["migrate", "api", "worker"])
def test_every_setting_given_to_footbridge_is_one(service: str) -> None:
    known = {f"FOOTBRIDGE_{name.upper()}" for name in Settings.model_fields}
    secrets = {f"FOOTBRIDGE_{name.upper()}" for name, field in Settings.model_fields.items() if is_secret(field)}
    given = {name for name in environment_of(service) if name.startswith("FOOTBRIDGE_")}
    assert given <= known | {f"{name}_FILE" for name in secrets}, given - known
    assert given & secrets == set(), "a secret in an environment"
    assert set(re.findall(r"\b(FOOTBRIDGE_[A-Z_]+)=", DOCKERFILE)) <= known


def test_the_settings_are_accepted_as_they_are_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "secret_key"
    key.write_text("7f3a9c21e5b8d4067f3a9c21e5b8d4061b\n")
    key.chmod(0o600)
    certificates = str(make_for_us(tmp_path) / "footbridge")

    def filled(match: re.Match[str]) -> str:
        return match[3] if match[2] == "-" else "example1"

    for name, value in environment_of("api").items():
        here = VARIABLE.sub(filled, value).replace("/run/secrets", str(tmp_path)).replace("/certificates", certificates)
        monkeypatch.setenv(name, here)
    settings = Settings()
    assert settings.environment == "production"
    url = make_url(settings.sqlalchemy_url())
    assert (url.username, url.password, url.host, url.query["sslmode"]) == (
        "footbridge", None, "postgres", "verify-full",
    )  # fmt: skip
    assert settings.clock_speed == 1
    # Nothing is reached in clear, and nothing has to be allowed.
    allowed = (settings.database_without_tls, settings.temporal_without_tls, settings.web_without_tls)
    assert not any(allowed)
    guard.require_settings(settings.model_copy(update={"host": "0.0.0.0"}))  # as the image sets it
    guard.require_temporal(settings)


def test_how_people_sign_in_can_be_configured() -> None:
    """The organization's sign-in and the limits of sessions: settings of the web server that an operator chooses."""
    wanted = {name for name in Settings.model_fields if name.startswith(("oidc_", "session_"))}
    given = {name.removeprefix("FOOTBRIDGE_").removesuffix("_FILE").lower() for name in environment_of("api")}
    assert wanted <= given, wanted - given
    override = README[README.index("```yaml") :]
    assert yaml.safe_load(override[len("```yaml") : override.index("```", 3)]) == {
        "services": {"api": {"networks": ["outside"]}}
    }
    assert "outside" in COMPOSE["networks"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_images_are_pinned(service: str) -> None:
    image = VARIABLE.sub(r"\3", SERVICES[service]["image"])
    assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z]+)?$", image), image


def test_the_image_is_built_from_pinned_parts() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.11-slim-bookworm", stage) for stage in stages)
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^USER footbridge$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_name_hashes_and_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pinned = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert len(pinned) > 50
    assert [one for one in pinned if "==" not in one.splitlines()[0] or "--hash=sha256:" not in one] == []
    assert not re.search(r"://|--index-url|--find-links", text)


def test_what_the_image_copies_is_there_and_let_through() -> None:
    copied = {
        path
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for path in [part for part in line.split() if not part.startswith("--")][:-1]
    }
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_through
    assert [path for path in sorted(copied - {"README.md"}) if not (ROOT / path).exists()] == []


def test_only_the_proxy_is_open_to_the_world() -> None:
    published = {(name, str(port)) for name in SERVICES for port in SERVICES[name].get("ports", [])}
    assert {(name, port) for name, port in published if not port.startswith("127.0.0.1:")} == {
        ("proxy", "80:80"), ("proxy", "443:443"),
    }  # fmt: skip


def test_in_clear_people_are_led_to_https_and_programs_are_refused() -> None:
    """`handle` tries its matcher first, whatever the order; `redir` beside a bare `respond` would win over it."""
    caddy = (DEPLOY / "Caddyfile").read_text()
    (clear,) = re.findall(r"^http://\{\$FOOTBRIDGE_HOSTNAME\} \{\n(.*?)^\}", caddy, re.DOTALL | re.MULTILINE)
    (refused,) = re.findall(r"@programs path (.+)\n\thandle @programs \{\n(.*?)^\t\}", clear, re.DOTALL | re.MULTILINE)
    assert refused[0].split() == [f"{path}*" for path in MACHINE_PATHS]
    assert re.search(r'respond ".+" 403 ', refused[1])
    assert "redir" not in refused[1]
    assert clear.count("redir https://{host}{uri}") == 1
    assert "reverse_proxy" not in clear


def test_databases_and_temporal_are_on_inner_networks_only() -> None:
    inner = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    for service in ("postgres", "temporal", "temporal-schema", "temporal-namespace", "migrate", "api"):
        assert set(SERVICES[service]["networks"]) <= inner, service


def test_every_network_volume_and_dependency_is_declared() -> None:
    for name, service in SERVICES.items():
        networks = set(service.get("networks", ()))
        assert networks <= set(COMPOSE["networks"]), name
        assert networks or service["network_mode"] == "none", name
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_OFF else "service_healthy"
            assert how["condition"] == expected, (name, other)
            assert networks & set(SERVICES[other].get("networks", ())) or other in ONE_OFF, (name, other)
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source != "./secrets":  # the operator's
                assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], mount


@pytest.mark.parametrize("service", SERVERS)
def test_every_server_is_restarted_limited_and_its_log_bounded(service: str) -> None:
    made = SERVICES[service]
    assert made["restart"] == "unless-stopped"
    assert set(made["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "max-size" in made["logging"]["options"]


@pytest.mark.parametrize("service", sorted(ONE_OFF))
def test_what_runs_once_is_tried_again_a_few_times_and_limited(service: str) -> None:
    made = SERVICES[service]
    assert re.fullmatch(r"on-failure:\d", made["restart"])
    assert set(made["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "max-size" in made["logging"]["options"]


@pytest.mark.parametrize("service", ["postgres", "proxy", "temporal", "worker"])
def test_servers_say_whether_they_are_well(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_a_web_server_says_so_by_the_image_and_a_worker_by_its_own_figures() -> None:
    assert re.search(r"^HEALTHCHECK .*\n?.*readyz", DOCKERFILE, re.MULTILINE)
    port = environment_of("worker")["FOOTBRIDGE_WORKER_METRICS"].rpartition(":")[2]
    for service, asked in {"api": "localhost:8000/readyz", "worker": f"localhost:{port}/metrics"}.items():
        line = SERVICES[service]["healthcheck"]["test"][-1]
        assert f"https://{asked}" in line
        assert "/certificates/ca.crt" in line
        compile(line, "healthcheck", "exec")


def mounts_of(service: str) -> dict[str, str]:
    """What lies where in a service: the volume or file, by its place."""
    return {target: source for source, target, *_ in (m.split(":") for m in SERVICES[service].get("volumes", []))}


def test_each_service_has_its_own_certificate_and_nobody_the_authoritys_key() -> None:
    script = (DEPLOY / "make-certificates.sh").read_text()
    made = set(re.findall(r"^(?:certify|trust) ([a-z-]+)", script, re.MULTILINE)) | {"authority"}
    written = mounts_of("certificates")
    assert {place.removeprefix("/certificates/") for place in written if place.startswith("/certificates/")} == made
    assert all(
        volume == f"certificates-{place.rpartition('/')[2]}" for place, volume in written.items() if "/d" not in place
    )
    given = {service: mounts_of(service).get("/certificates") for service in SERVICES if service != "certificates"}
    assert given == {
        "postgres": "certificates-postgres", "migrate": "certificates-footbridge", "api": "certificates-footbridge",
        "worker": "certificates-footbridge", "proxy": "certificates-proxy", "temporal": "certificates-temporal",
        "temporal-schema": "certificates-temporal", "temporal-namespace": "certificates-temporal",
        "temporal-ui": "certificates-temporal-ui",
    }  # fmt: skip
    assert all(
        mount.endswith(":ro") for name in given for mount in SERVICES[name]["volumes"] if "certificates-" in mount
    )
    assert SERVICES["certificates"]["network_mode"] == "none"
    assert "certificates" in SERVICES["postgres"]["depends_on"]


def test_the_proxy_speaks_tls_to_the_web_servers_and_checks_them() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text()
    (way,) = re.findall(r"transport http \{\n(.*?)\}", caddy, re.DOTALL)
    assert [line.strip() for line in way.strip().splitlines()] == [
        "tls", "tls_trust_pool file /certificates/ca.crt", "tls_server_name api",
    ]  # fmt: skip
    assert "DNS:api," in (DEPLOY / "make-certificates.sh").read_text()
    for job in yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]:
        assert job["scheme"] == "https"
        assert job["tls_config"] == {"ca_file": "/certificates/ca.crt", "server_name": "api"}


def test_postgresql_and_temporal_take_certificates_alone() -> None:
    """By the variables of Temporal's own template of its configuration (common/config of its source) and its tools."""
    settings = dict(word.removeprefix("-c").split("=") for word in SERVICES["postgres"]["command"][1:])
    assert settings["ssl"] == "on"
    assert settings["hba_file"] in mounts_of("postgres")
    rules = [line.split() for line in (DEPLOY / "pg_hba.conf").read_text().splitlines() if not line.startswith("#")]
    assert [(rule[0], rule[-1]) for rule in rules] == [("local", "peer"), ("hostssl", "cert"), ("hostssl", "cert")]
    temporal = environment_of("temporal")
    assert temporal["TEMPORAL_TLS_REQUIRE_CLIENT_AUTH"] == temporal["SQL_TLS_ENABLED"] == "true"
    assert temporal["SQL_HOST_VERIFICATION"] == "true"
    assert "SQL_TLS_DISABLE_HOST_VERIFICATION" not in environment_of("temporal-schema")
    files = {
        value for name in SERVICES for value in environment_of(name).values() if value.startswith("/certificates/")
    }
    assert files == {f"/certificates/{name}" for name in ("ca.crt", "own.crt", "own.key", "password")}
    assert not re.search(r"PASSWORD: |_PWD", COMPOSE_TEXT)
    assert not re.search(r"disable_?host_?verif\w+: .?true", COMPOSE_TEXT, re.IGNORECASE)


def test_the_records_are_migrated_once_before_anything_serves() -> None:
    assert SERVICES["migrate"]["command"] == ["footbridge", "migrate"]
    for service in ("api", "worker"):
        assert SERVICES[service]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_every_way_to_temporal_is_described_by_its_own_variables() -> None:
    """Those that Temporal's SDK reads by itself: Temporal Cloud by key or certificate, self-hosted with mTLS."""
    told = set(re.findall(r"`(TEMPORAL_[A-Z_]+)`", README))
    assert {
        "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_TLS_CLIENT_CERT_PATH",
        "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_NAME",
    } <= told  # fmt: skip
    assert all(key.name in README for key in SEARCH_ATTRIBUTES)
    assert "footbridge conformance" in README


def test_two_of_each_and_time_to_finish() -> None:
    assert SERVICES["api"]["deploy"]["replicas"] == SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["stop_grace_period"] == "45s"  # the worker gives its activities 30
    assert "temporal" not in str(SERVICES["api"]["depends_on"])


def commands() -> dict[str, Any]:
    """Every command of `footbridge`, those of two words too."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        found[name] = command
        found |= {f"{name} {second}": inner for second, inner in getattr(command, "commands", {}).items()}
    return found


def test_the_commands_that_are_started_exist() -> None:
    started = [service["command"] for service in SERVICES.values() if service.get("command", [""])[0] == "footbridge"]
    assert len(started) == 3
    for line in [*started, json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0])]:
        assert line[1] in commands(), line


def test_the_first_days_commands_exist_with_their_options() -> None:
    lines = re.findall(r"^fb (\w+ \w+) (.+)$", README, re.MULTILINE)
    assert len(lines) == 3
    for command, words in lines:
        known = {option for param in commands()[command].params for option in param.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= known, command


def test_what_is_watched_exists() -> None:
    paths = {getattr(route, "path", "") for route in health.router.routes}
    watched = set(re.findall(r"8000(/\w+)", DOCKERFILE)) | set(re.findall(r"(?:HOSTNAME|`)(/[a-z]+)`", README))
    assert watched == {"/readyz", "/metrics"}
    assert watched <= paths
    figures = set(re.findall(r"`footbridge_(\w+)`", README))
    assert figures
    source = Path(health.__file__).read_text()
    assert [figure for figure in figures if f'{figure}"' not in source] == []


def test_the_shards_are_as_many_as_they_will_ever_be() -> None:
    assert environment_of("temporal")["NUM_HISTORY_SHARDS"] == "512"


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_the_scripts_are_shell(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


def entrypoint(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    line = [str(DEPLOY / "entrypoint.sh"), *command]
    return subprocess.run(line, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True, check=False)


def test_temporals_secret_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("odd $(value) 'with' \"quotes\"\n")
    secret.chmod(0o600)
    said = entrypoint("env", TEMPORAL_API_KEY_FILE=str(secret), TEMPORAL_CONFIG_FILE="/profile.toml")
    assert said.returncode == 0, said.stderr
    assert "TEMPORAL_API_KEY=odd $(value) 'with' \"quotes\"\n" in said.stdout
    assert "TEMPORAL_API_KEY_FILE" not in said.stdout
    assert "TEMPORAL_CONFIG_FILE=/profile.toml" in said.stdout


@pytest.mark.parametrize(
    ("mode", "also", "said"), [(None, "", "cannot be read"), (0o640, "", "chmod 600"), (0o600, "given", "not both")]
)
def test_a_secret_that_is_none_stops_the_start(tmp_path: Path, mode: int | None, also: str, said: str) -> None:
    secret = tmp_path / "secret"
    if mode is not None:
        secret.write_text("from a file")
        secret.chmod(mode)
    done = entrypoint("env", TEMPORAL_API_KEY_FILE=str(secret), TEMPORAL_API_KEY=also)
    assert done.returncode == 1
    assert said in done.stderr
    assert "from a file" not in done.stderr


def test_the_two_roles_of_postgresql_cannot_read_each_other(postgres: PostgresServer) -> None:
    env = {
        "PATH": f"{postgres_binaries()}:{os.environ['PATH']}",
        "PGHOST": str(postgres.folder),
        "POSTGRES_USER": "postgres",
    }
    done = subprocess.run([str(DEPLOY / "postgres-init.sh")], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def connect(role: str, database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(postgres.folder), user=role, dbname=database)

    for role, database in (("footbridge", "footbridge"), ("temporal", "temporal"), ("temporal", "temporal_visibility")):
        with connect(role, database) as connection:
            connection.execute("CREATE TABLE theirs (id int)")
    for role, database in (("footbridge", "temporal"), ("temporal", "footbridge")):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            connect(role, database)


def test_the_namespace_gets_our_search_attributes_and_again_is_harmless(tmp_path: Path) -> None:
    with temporal_server(tmp_path) as server:
        env = {
            "PATH": f"{temporal_binary().parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": "footbridge",
        }  # fmt: skip
        for _ in range(2):
            line = [str(DEPLOY / "temporal-namespace.sh")]
            done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        line = ["temporal", "operator", "search-attribute", "list", "--namespace", "footbridge"]
        listed = subprocess.run(line, env=env, capture_output=True, text=True, check=True).stdout
    for key in SEARCH_ATTRIBUTES:
        assert re.search(rf"{key.name}\s+{key.indexed_value_type.name}\b", listed, re.IGNORECASE), key.name
