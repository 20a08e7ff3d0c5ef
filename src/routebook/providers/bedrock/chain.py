"""Chain: the credentials of the machine, found as AWS's own tools find them: by `botocore`, an optional package.

Environment variables, shared files with their profiles (roles to be assumed, single sign-on, a login, a process that
is run), a container's and an instance's own server, in the package's order. All of it waits for files, processes and
servers: it is called in a thread of its own. Variables are those of the environment handed in; what the package itself
reads from the process (proxies, the home directory of `~`) it reads from there.
"""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

import botocore.configprovider as config  # type: ignore[import-untyped]
import botocore.credentials as providers  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as Unreachable
from botocore.session import Session  # type: ignore[import-untyped]
from botocore.utils import InstanceMetadataFetcher, resolve_imds_endpoint_mode  # type: ignore[import-untyped]

from ..fault import Fault, say
from ..signer import Unsigned
from .credentials import Found
from .quiet import quiet
from .sigv4 import SigningKey

_PROCESS_S = 30.0
_WEB_IDENTITY = {
    "web_identity_token_file": "AWS_WEB_IDENTITY_TOKEN_FILE",
    "role_arn": "AWS_ROLE_ARN",
    "role_session_name": "AWS_ROLE_SESSION_NAME",
}
_MEND = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK, give the "
    "machine a role, or give the provider an `api_key`"
)


class Chain:
    """Where credentials come from: looked for once, and asked again for fresh ones before they expire."""

    def __init__(self, environment: Mapping[str, str], region: str, secrets: tuple[str, ...] = ()) -> None:
        self._environment = environment
        self._region = region
        self._secrets = secrets
        self._credentials: Any = None

    def fresh(self) -> Found:
        """Return credentials that hold for a while. Waits for whatever gives them.

        Raises:
            Unsigned: There are none, or they cannot be had now; the message holds no secret.
        """
        try:
            with quiet():
                frozen = self._frozen()
        except Unsigned:
            raise
        except Exception as error:  # noqa: BLE001, what is asked may run anything: a profile's program, a plugin
            raise Unsigned(_fault_of(error, self._secrets)) from None
        expires = getattr(self._credentials, "_expiry_time", None)
        key = SigningKey(frozen.access_key, frozen.secret_key, frozen.token, self._region)
        return Found.until(key, None if expires is None else expires.timestamp(), time.time())

    def _frozen(self) -> Any:
        """Return what the credentials are now, fresh ones where they were asked for before."""
        is_old = self._credentials is not None
        if not is_old:
            self._credentials = _resolver(self._environment, self._region).load_credentials()
        if self._credentials is None:
            raise Unsigned(Fault("authentication", f"no AWS credentials were found: {_MEND}"))
        _renew_within(self._credentials, math.inf if is_old else 0.0)
        return self._credentials.get_frozen_credentials()


def _renew_within(credentials: Any, seconds: float) -> None:
    """Let *credentials* be renewed when they are next asked for, if they hold no longer than so many seconds.

    Left to itself the package renews what holds for less than fifteen minutes each time that it is asked.
    """
    credentials._advisory_refresh_timeout = credentials._mandatory_refresh_timeout = seconds


def _fault_of(error: Exception, secrets: tuple[str, ...]) -> Fault:
    """Return why there are no credentials; what a program said of itself is not told: it may be anything."""
    if isinstance(error, (HTTPClientError, Unreachable)):
        return Fault("connection", say(f"AWS credentials cannot be had now: {error}", secrets))
    if isinstance(error, CredentialRetrievalError) and error.kwargs.get("provider") == "custom-process":
        words = "the `credential_process` of the AWS profile failed, or gave no credentials; run it by hand"
        return Fault("authentication", words)
    mend = "sign in with `aws sso login`, or " if isinstance(error, (SSOError, TokenRetrievalError)) else ""
    words = f"AWS credentials cannot be had: {_why(error).rstrip('.')}; {mend}{_MEND}"
    return Fault("authentication", say(words, secrets))


def _why(error: Exception) -> str:
    if isinstance(error, (BotoCoreError, ClientError)):
        return str(error)
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return f"{error.filename} cannot be read or run ({error.strerror})"
    return f"{type(error).__name__} while they were looked for"


def _resolver(environment: Mapping[str, str], region: str) -> Any:
    """Return what looks for credentials in the package's own order."""
    session = _session(environment)
    profile = session.get_config_variable("profile") or "default"
    cache: dict[str, Any] = {}
    builder = _Profiles(session, environment, cache, region)
    own = [
        providers.EnvProvider(environment),
        providers.ContainerProvider(environment),
        providers.InstanceMetadataProvider(_instance(session, environment)),
    ]
    assume_role = providers.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=partial(_client, session, region),
        cache=cache,
        profile_name=profile,
        prompter=_refuse_to_ask,
        credential_sourcer=providers.CanonicalNameCredentialSourcer(own),
        profile_provider_builder=builder,
    )
    files = [providers.OriginalEC2Provider(environment), providers.BotoProvider(environment)]
    return providers.CredentialResolver(
        [own[0], assume_role, *builder.providers(profile), *files, own[1], own[2]],
    )


def _session(environment: Mapping[str, str]) -> Any:
    """Return a session whose settings are read from *environment*."""
    session = Session()
    store, chains = session.get_component("config_store"), config.ConfigChainFactory(session, environment)
    for name, (in_file, variable, default, convert) in session.session_var_map.items():
        home = environment.get("HOME")
        if home and isinstance(default, str) and default.startswith("~/"):
            default = home + default[1:]
        provider = chains.create_config_chain(
            instance_name=name,
            env_var_names=variable,
            config_property_names=in_file,
            default=default,
            conversion_func=convert,
        )
        store.set_config_provider(name, provider)
    return session


def _instance(session: Any, environment: Mapping[str, str]) -> Any:
    names = ("ec2_metadata_service_endpoint", "ec2_metadata_v1_disabled")
    settings = {name: session.get_config_variable(name) for name in names}
    return InstanceMetadataFetcher(
        timeout=session.get_config_variable("metadata_service_timeout"),
        num_attempts=session.get_config_variable("metadata_service_num_attempts"),
        env=environment,
        user_agent=session.user_agent(),
        config={**settings, "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session)},
    )


class _Profiles(providers.ProfileProviderBuilder):  # type: ignore[misc]
    """The providers that read a profile, with the variables and programs of one environment."""

    def __init__(self, session: Any, environment: Mapping[str, str], cache: Any, region: str) -> None:
        super().__init__(session, cache=cache, region_name=region)
        self._settings = session
        self._environment = environment
        self._stored = cache
        self._where = region

    def providers(self, profile_name: str, disable_env_vars: bool = False) -> list[Any]:
        """Return the providers of a profile, in the package's order."""
        found = super().providers(profile_name, disable_env_vars=True)
        return [self._own(each, profile_name, disable_env_vars) for each in found]

    def _own(self, provider: Any, profile: str, disable_env_vars: bool) -> Any:
        if provider.METHOD == "custom-process":
            program = partial(_Program, env=dict(self._environment), stdin=subprocess.DEVNULL)
            return providers.ProcessProvider(profile, lambda: self._settings.full_config, program)
        if provider.METHOD == "assume-role-with-web-identity" and not disable_env_vars:
            return providers.AssumeRoleWithWebIdentityProvider(
                load_config=partial(self._with_variables, profile),
                client_creator=partial(_client, self._settings, self._where),
                cache=self._stored,
                profile_name=profile,
                disable_env_vars=True,
            )
        return provider

    def _with_variables(self, profile: str) -> Mapping[str, Any]:
        """Return the settings of the files, those of a web identity as the environment has them."""
        known = self._settings.full_config
        profiles = known.get("profiles", {})
        given = {key: self._environment[name] for key, name in _WEB_IDENTITY.items() if name in self._environment}
        return {**known, "profiles": {**profiles, profile: {**profiles.get(profile, {}), **given}}}


class _Program(subprocess.Popen[bytes]):
    """A program that gives credentials, and is ended where it takes too long. What it says beside goes nowhere: the
    package would log it.
    """

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:  # noqa: A002
        try:
            return super().communicate(input, timeout or _PROCESS_S)[0], b""
        except subprocess.TimeoutExpired:
            self.kill()
            return super().communicate()[0], b""


def _client(session: Any, region: str, service: str, **settings: Any) -> Any:
    return session.create_client(service, **{"region_name": region, **settings})


def _refuse_to_ask(prompt: str) -> NoReturn:
    words = (
        "the AWS profile asks for a code of a device (`mfa_serial`), and there is nobody to ask; use a session's keys"
    )
    raise Unsigned(Fault("authentication", words))
