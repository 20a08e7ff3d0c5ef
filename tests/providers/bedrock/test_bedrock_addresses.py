from __future__ import annotations

from botocore.session import Session

from routebook.compiler.addresses import preset_address
from routebook.providers import registry
from routebook.providers.bedrock.addresses import address_of


def test_every_region_has_the_address_that_botocore_knows():
    """With the preset, and with the API alone."""
    session = Session()
    session.set_credentials("AKID", "secret")
    preset, known = registry.presets()["bedrock"], set[str]()
    for partition in session.get_available_partitions():
        known |= {*session.get_available_regions("sts", partition), "ap-southeast-5"}
    assert len(known) > 30
    for region in known:
        theirs = session.create_client("bedrock-runtime", region).meta.endpoint_url
        assert address_of(region) == theirs
        assert preset_address(preset, {"region": region}) == theirs
