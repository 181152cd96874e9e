"""Whether an entry is a credential: from its name, its value, its format and its surroundings."""

from __future__ import annotations

import base64
import random
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Access, Confidence, Entry, Role, Severity
from checks.secrets import judge
from checks.secrets.judge import EMPTY, PASSWORD, SECRET, WEAK, Candidate
from checks.secrets.places import Place, is_document

SPECIAL = "!#%&+.@^_~-"


def made(seed: int, length: int = 14, special: str = SPECIAL) -> str:
    """Make a password that begins and ends plainly."""
    rng = random.Random(seed)
    body = rng.choices(string.ascii_letters + string.digits + special, k=length - 4)
    return f"k7{''.join(body)}Q2"


VALUE = made(1)
KEY = made(2, 40, "")
HOST = Place()


def judged(
    value: str,
    *keys: str,
    role: Role = Role.NAMED,
    place: Place = HOST,
    quoted: bool = False,
    subject: str = "",
) -> list[Candidate]:
    """Judge one entry."""
    entry = Entry(keys or ("password",), value, 3, role, quoted, subject)
    return list(judge.judge(entry, place))


def told(found: list[Candidate]) -> list[tuple[str, str]]:
    """Give check and value of each candidate."""
    return [(one.check, one.entry.value) for one in found]


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (("db", "password"), VALUE, PASSWORD),
        (("db", "pass"), VALUE, PASSWORD),
        (("api_key",), KEY, SECRET),
        (("secret",), KEY, SECRET),
        (("db", "password"), "changeme", WEAK),
        (("db", "password"), "12345", WEAK),
        (("db", "password"), "hidden", None),
        (("db", "password"), "${DB_PASSWORD}", None),
        (("db", "password"), "", None),
        (("db", "password"), "   ", None),
        (("db", "password"), "x" * 5000, None),
        (("db", "password_file"), VALUE, None),
        (("db", "name"), VALUE, None),
        (("api_key",), "some words here", None),
        (("api_key",), "short1", None),
        (("api_key",), "production", None),
        (("secret",), "frontend", None),
        (("secret",), "my-app-7", None),
        ((), VALUE, PASSWORD),
    ],
)
def test_name_and_value_decide_together(
    keys: tuple[str, ...], value: str, expected: str | None
) -> None:
    """A password may be anything but what is known to be none; a key has to look made."""
    assert [one.check for one in judged(value, *keys)] == ([expected] if expected else [])


@pytest.mark.parametrize("value", ["shop_password", "ledgerpassword", "mypassword", "my-own-pw"])
def test_a_spelled_password_counts_where_a_format_names_it(value: str) -> None:
    """It is weak; where the key was guessed, and in documents, the same words are a name."""
    assert told(judged(value, "db", "password")) == [(WEAK, value)]
    for place in (Place(loose=True), Place(code=True), Place(document=True)):
        assert judged(value, "db", "password", place=place) == []
    assert judged(value, "db", "password_field") == []


def test_a_token_of_letters_is_longer_than_a_word() -> None:
    """Letters of one case and nothing between them; not a word, and not where a key is a guess."""
    rng = random.Random(8)
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase):
        value = "".join(rng.choices(alphabet, k=24))
        assert told(judged(value, "jwt_secret")) == [(SECRET, value)]
        assert judged(value[:12], "jwt_secret") == []
        assert judged(f"{value[:12]}-{value[12:]}", "jwt_secret") == []
        assert judged(value, "jwt_secret", place=Place(loose=True)) == []


def test_a_word_repeated_is_longer_than_a_name() -> None:
    """What only ends like a name is one while it is as short as names are."""
    assert told(judged("appsecretkey" * 5, "jwt_secret")) == [(SECRET, "appsecretkey" * 5)]
    assert judged("appsecretkey" * 2, "jwt_secret") == []


def test_a_secret_that_was_never_changed_is_weak() -> None:
    """Only where one is to be made up, and only by a well-known word."""
    assert told(judged("secret", "app", "jwt_secret")) == [(WEAK, "secret")]
    for keys, value in ((("app", "api_key"), "secret"), (("app", "jwt_secret"), "frontend")):
        assert judged(value, *keys) == []
    assert judged("secret", "app", "jwt_secret", place=Place(code=True)) == []


def test_the_default_of_a_variable_is_the_value_itself() -> None:
    """All of the value is one variable, whose name says that its default is a credential."""
    for text in ("${DB_PASSWORD:@}", "${DB_PASSWORD:-@}", "${db-password:@}", "${DB_PASSWORD=@}"):
        assert told(judged(text.replace("@", "ledger77"), "db", "password")) == [
            (PASSWORD, "ledger77")
        ]
        assert told(judged(text.replace("@", "changeme"), "db", "password")) == [(WEAK, "changeme")]
    for text in (
        "${DB_PASSWORD:}",
        "${DB_PASSWORD:?unset}",
        "${env:DB_PASSWORD}",
        "${DB_PASSWORD:0:4}",
    ):
        assert judged(text, "db", "password") == []


def test_a_line_is_plausible_by_a_default_within_a_default() -> None:
    """The outer variable stands for the inner one, whose default is the password."""
    assert judge.is_plausible(("PW",), "${PW:-${PASSWORD:-" + VALUE + "}}")
    assert not judge.is_plausible(("PW",), "${PW:-${PASSWORD:-}}")


def test_severity_and_confidence_say_how_sure_it_is() -> None:
    """A parsed password is certain, a weak one low, a guess from a line less sure."""
    [sure], [weak] = judged(VALUE), judged("changeme")
    [guess] = judged(VALUE, place=Place(loose=True))
    assert (sure.severity, sure.confidence) == (Severity.HIGH, Confidence.HIGH)
    assert (weak.severity, weak.confidence) == (Severity.LOW, Confidence.MEDIUM)
    assert guess.confidence is Confidence.MEDIUM


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_a_notation_left_on_are_taken_off(quote: str) -> None:
    """The value is what stands between them; a lone quote belongs to it."""
    assert told(judged(f" {quote}{VALUE}{quote} ")) == [(PASSWORD, VALUE)]
    assert told(judged(f"{VALUE}{quote}")) == [(PASSWORD, f"{VALUE}{quote}")]


@pytest.mark.parametrize(
    "value", ["is", "required", "12345678", "max_length", "user.password", "("]
)
def test_a_guess_needs_a_chosen_value(value: str) -> None:
    """Behind a key that was guessed from a line a plain word or a number is none."""
    assert judged(value, place=Place(loose=True)) == []
    assert judged(value, place=Place(code=True)) == []
    assert told(judged(VALUE, place=Place(loose=True))) == [(PASSWORD, VALUE)]


def test_where_a_secret_must_stand_words_count() -> None:
    """A netrc password that is a word or a switch is a password; a reference is still none."""
    assert told(judged("required", "machine", role=Role.SECRET)) == [(PASSWORD, "required")]
    assert told(judged("x/y/z.pem", "machine", role=Role.SECRET)) == [(PASSWORD, "x/y/z.pem")]
    assert judged("${PW}", "machine", role=Role.SECRET) == []
    assert judged("required", "password") == []


def test_a_value_that_repeats_its_key_is_none() -> None:
    """`Password: Password` is a label; `password: password` is the weakest of all."""
    assert judged("Password", "Password") == []
    assert judged("api-key", "api_key") == []
    assert told(judged("password")) == [(WEAK, "password")]
    assert told(judged("pass", "POSTGRES_PASSWORD")) == [(WEAK, "pass")]
    assert judged("http://user:pass@proxy.example.net", "proxy") == []


def test_keys_that_are_no_names_are_refused() -> None:
    """A piece of a sentence in front of a sign is no key."""
    assert judged(VALUE, 'say "password') == []
    assert judged(VALUE, "if (password") == []
    assert judged(VALUE, "the password") != []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/app/docs/setup.yaml", True),
        ("/srv/app/tests/fixtures/db.ini", True),
        ("/srv/app/README.md", True),
        ("/srv/app/config.example.yaml", True),
        ("/srv/app/config.yaml.sample", True),
        ("/usr/share/man/man1/app.1", True),
        ("/srv/node_modules/x/config.js", True),
        ("/srv/app/test_login.py", True),
        ("/etc/app/config.yaml", False),
        ("/srv/contest/config.yaml", False),
        ("/srv/app/latest/db.ini", False),
        ("/srv/app/attestation.ini", False),
        ("/srv/documents/db.ini", False),
        ("", False),
    ],
)
def test_documents_are_known_by_their_path(path: str, *, expected: bool) -> None:
    """Documentation, tests, examples and other people's libraries; not what only sounds so."""
    assert is_document(path) is expected


def test_a_claimed_name_is_no_document_by_its_ending() -> None:
    """A format that knows `psk.txt` says what it is; a folder of examples stays one."""
    assert is_document("/etc/app/psk.txt")
    assert not is_document("/etc/app/psk.txt", claimed=True)
    assert is_document("/srv/docs/psk.txt", claimed=True)


def test_in_a_document_only_random_values_count_and_low() -> None:
    """An example password in a manual is none; a key that was pasted into one is told low."""
    manual = Place(document=True)
    assert judged("hunter2!", place=manual) == []
    [found] = judged(KEY, "api_key", place=manual)
    assert (found.severity, found.confidence) == (Severity.LOW, Confidence.LOW)


def test_a_command_gives_its_arguments() -> None:
    """The credential of a command line has the command's keys in front of its own."""
    [found] = judged(f"mysql -u root -p{VALUE} db", "ExecStart", role=Role.COMMAND)
    assert (found.check, found.entry.value, found.entry.keys[0]) == (PASSWORD, VALUE, "ExecStart")
    assert judged("mysql -u root -p db", "ExecStart", role=Role.COMMAND) == []


def encoded(text: str) -> str:
    """Encode in base64."""
    return base64.b64encode(text.encode()).decode()


def test_encoded_values_are_opened() -> None:
    """Every value of a secret container counts, except what is named like a user or an address."""
    assert told(judged(encoded(VALUE), "data", "anything", role=Role.ENCODED)) == [
        (PASSWORD, VALUE)
    ]
    assert told(judged(encoded(VALUE + "\n"), "data", "x", role=Role.ENCODED)) == [
        (PASSWORD, VALUE)
    ]
    assert judged(encoded("application7"), "data", "username", role=Role.ENCODED) == []
    assert judged(encoded("${PW}"), "data", "pw", role=Role.ENCODED) == []
    for broken in ("no base64!", "////", "a", ""):
        assert judged(broken, "data", "pw", role=Role.ENCODED) == []
    assert told(judged(VALUE, "data", "db_password", role=Role.ENCODED)) == [(PASSWORD, VALUE)]
    for plain in ("github-org", "KAFKA_ADDRESS", "KEY_ALIAS", "branches"):
        assert judged(encoded("kafka:9092"), "data", plain, role=Role.ENCODED) == []


def test_the_auth_of_a_registry_is_user_and_password() -> None:
    """Docker keeps both in one base64 text; the user is the subject."""
    [found] = judged(encoded(f"bob:{VALUE}"), "auths", "r.example", "auth", role=Role.ENCODED)
    assert (found.entry.value, found.entry.subject) == (VALUE, "bob")
    [plain] = judged(f"bob:{VALUE}", "http", "auth")
    assert (plain.entry.value, plain.entry.subject) == (VALUE, "bob")


def test_values_within_values_are_judged() -> None:
    """A URL or a connection string gives its password; one without gives nothing."""
    [found] = judged(f"postgres://bob:{made(3, 14, '')}@db/app", "DATABASE_URL")
    assert (found.check, found.entry.value, found.entry.subject) == (
        PASSWORD,
        made(3, 14, ""),
        "bob",
    )
    [pair] = judged(f"Server=db;User Id=bob;Password={made(4, 14, '')};", "connection")
    assert pair.entry.value == made(4, 14, "")
    assert judged("postgres://bob:${PW}@db/app", "DATABASE_URL") == []
    assert judged("postgres://db/app", "DATABASE_URL") == []


def test_hashes_are_judged_by_strength_and_readers() -> None:
    """A good hash in a closed file is none; in an open one it is readable; DES is weak."""
    good = "$2b$12$" + "".join(random.Random(5).choices(string.ascii_letters, k=53))
    old = "".join(random.Random(6).choices(string.ascii_letters, k=13))
    closed, wide = Place(access=Access(0, 0, 0o600)), Place(access=Access(0, 0, 0o644))

    def checks(value: str, place: Place) -> list[str]:
        return [one.check for one in judged(value, "bob", role=Role.HASH, place=place)]

    assert checks(good, closed) == []
    assert checks(good, wide) == ["password-hash-readable"]
    assert checks(old, closed) == ["password-hash-weak"]
    assert checks("", closed) == [EMPTY]
    assert checks("!", wide) == checks("*", wide) == []


def test_candidates_do_not_show_values() -> None:
    """The representation of a candidate and of its entry holds keys and line only."""
    [found] = judged(VALUE, "db", "password")
    assert repr(found) == "<Candidate embedded-password <Entry of 2 keys, line 3>>"


@given(
    value=st.text(max_size=60),
    keys=st.lists(st.text(max_size=12), max_size=3),
    role=st.sampled_from(Role),
    loose=st.booleans(),
    document=st.booleans(),
)
def test_any_entry_can_be_judged(
    *, value: str, keys: list[str], role: Role, loose: bool, document: bool
) -> None:
    """No entry fails, and what is found has a value."""
    place = Place(document=document, loose=loose, path="/etc/x.conf")
    found = judged(value, *keys, role=role, place=place)
    assert all(one.entry.value or one.check == EMPTY for one in found)


def test_a_folder_that_is_scanned_itself_is_no_document() -> None:
    """Only folders below the scanned path say what a file is for; libraries are it anywhere."""
    assert is_document("/srv/tests/etc/app.conf")
    assert not is_document("/srv/tests/etc/app.conf", root="/srv/tests")
    assert is_document("/srv/tests/docs/app.conf", root="/srv/tests")
    assert is_document("/srv/node_modules/x/app.conf", root="/srv/node_modules")


def test_a_made_key_may_have_blanks_but_a_sentence_is_none() -> None:
    """The keys of WordPress are drawn from all printable characters, the blank among them."""
    salt = f"{made(11, 24)} |~{made(12, 30)}!"
    assert told(judged(salt, "AUTH_KEY")) == [(SECRET, salt)]
    assert judged("Put 3 Unique phrases here, Not 1! Of them", "AUTH_KEY") == []


def test_a_hash_by_its_place_may_be_bare_hexadecimal() -> None:
    """`#sha256` of Redis and `NT-Password` say no scheme; elsewhere hexadecimal is no hash."""
    digest = random.Random(13).randbytes(32).hex()
    found = judged(digest, "user", role=Role.HASH)
    assert [one.check for one in found] == ["password-hash-weak"]
    assert judged(digest, "checksum") == []


def test_settings_in_source_code_may_have_a_password_of_letters() -> None:
    """The literal has to be quoted and the file or its lines to be settings."""
    value = "marbleharbor"
    place = Place(code=True, loose=True, path="www/wp-config.php", settings=True)
    for name in ("DB_PASSWORD", "password"):
        assert told(judged(value, name, place=place, quoted=True)) == [(PASSWORD, value)]
        assert judged(value, name, place=place) == []
        other = place._replace(settings=False)
        assert judged(value, name, place=other, quoted=True) == []


def test_settings_in_source_code_may_have_a_well_known_password() -> None:
    """It is told as weak; a word that is as often something else is not told."""
    place = Place(code=True, loose=True, path="app/settings.py", settings=True)
    found = judged("changeme", "password", place=place, quoted=True)
    assert [(one.check, one.severity) for one in found] == [(WEAK, Severity.LOW)]
    assert judged("default", "password", place=place, quoted=True) == []
    assert judged("password", "password", place=place, quoted=True) == []
    assert [one.check for one in judged("password", "db_password", place=place, quoted=True)]


def test_letters_given_to_a_variable_are_told_with_doubt() -> None:
    """Without settings around them they are no more than likely; a constant names a thing."""
    value = "marbleharbor"
    place = Place(code=True, loose=True, path="src/run.go", alone=True)
    found = judged(value, "dbPassword", place=place, quoted=True)
    assert [(one.severity, one.confidence) for one in found] == [(Severity.MEDIUM, Confidence.LOW)]
    assert judged(value, "EVENT_PASSWORD", place=place, quoted=True) == []
    assert judged(value, "db_pass", place=place._replace(alone=False), quoted=True) == []


def test_a_community_in_a_file_of_snmp_is_a_password() -> None:
    """Elsewhere it is people."""
    value = "marbleharbor"
    assert told(judged(value, "core", "community", place=Place(path="etc/snmp.yml")))
    assert judged(value, "core", "community", place=Place(path="etc/forum.yml")) == []


def test_whatever_is_made_is_a_secret_in_a_file_of_secrets() -> None:
    """Under any name, but not below another, and not what a Kubernetes object begins with."""
    place = Place(path="esphome/secrets.yaml")
    assert told(judged(KEY, "groundfloorkey", place=place)) == [(SECRET, KEY)]
    assert judged("lantern", "groundfloor", place=place) == []
    assert judged(KEY, "outer", "groundfloorkey", place=place) == []
    assert judged("secrets-store.csi.x-k8s.io/v1", "apiVersion", place=place) == []
    assert judged(KEY, "groundfloorkey", place=Place(path="esphome/floor.yaml")) == []


def test_a_list_of_settings_is_no_guess() -> None:
    """In a value that is nothing but settings a password of mere letters counts."""
    assert told(judged("name=app password=lanternpepper x=y", "user")) == [
        (PASSWORD, "lanternpepper")
    ]
    assert judged("see password=lanternpepper there", "user") == []


def test_public_members_of_one_product_are_known() -> None:
    """What a SealedSecret holds, the passes of Windows Setup; a parameter of Symfony is a name."""
    assert judged(KEY, "spec", "encryptedData", "password") == []
    assert judged("specialize", "unattend", "settings", "@pass") == []
    assert judged(f"credentialsJSON:{KEY}", "password") == []
    assert told(judged(VALUE, "env(DB_PASSWORD)")) == [(PASSWORD, VALUE)]
    assert judged(VALUE, "f(DB_PASSWORD)") == []


def test_a_hash_with_doubled_dollar_signs_is_one() -> None:
    """So Compose writes it."""
    hashed = f"admin:$$apr1$${made(5, 8, '')}$${made(6, 22, '')}"
    assert [one.check for one in judged(hashed, "labels", "users")]
    assert judged("admin:$$(id)", "labels", "users") == []


def test_a_line_is_plausible_by_what_its_value_holds() -> None:
    """A default in an expression, or a setting in a list of them."""
    assert judge.is_plausible(("password",), '{{ default "' + VALUE + '" .x }}')
    assert judge.is_plausible(("overrides",), f"A=b DbPassword={VALUE}")
    assert not judge.is_plausible(("password",), "{{ .x }}")
    assert not judge.is_plausible(("overrides",), "A=b C=d")


def test_a_hash_of_rabbitmq_is_known_by_its_key() -> None:
    """Base64 of 36 bytes is a hash under `password_hash`, and nothing under another name."""
    value = base64.b64encode(random.Random(7).randbytes(36)).decode()
    checks = [one.check for one in judged(value, "users", "password_hash")]
    assert checks == ["password-hash-weak"]
    assert judged(value, "users", "checksum") == judged("", "users", "password_hash") == []


def test_a_key_may_be_a_passphrase() -> None:
    """Words drawn at random are a key where a format sets one; a sentence and a guess are none."""
    phrase = " ".join(random.Random(4).sample("copper lantern river falcon winter".split(), 4))
    assert told(judged(phrase, "encryption_key")) == [(SECRET, phrase)]
    assert not judged(f"the {phrase}", "encryption_key")
    assert not judged(phrase, "encryption_key", place=Place(loose=True))


def test_a_bearer_token_is_listed_by_its_host() -> None:
    """Composer keeps tokens under the names of hosts; under another map such a name is none."""
    assert told(judged(KEY, "bearer", "repo.corp.test")) == [(SECRET, KEY)]
    assert not judged(KEY, "mirrors", "repo.corp.test")


def test_a_random_value_may_have_a_single_digit() -> None:
    """Case that changes all the time is no joined words; those with a number are a name."""
    rng = random.Random(11)
    for _ in range(20):
        drawn = rng.sample(string.ascii_lowercase, 24)
        letters = [rng.choice((str.upper, str.lower))(c) for c in drawn]
        flickering = "k" + "".join(letters[:12]) + "7" + "".join(letters[12:]) + "q"
        pairs = pairwise(flickering)
        if sum(a.islower() != b.islower() for a, b in pairs) > 10:
            assert told(judged(flickering, "token")) == [(SECRET, flickering)]
    assert not judged("MyApplicationTokenVersion2Name", "token")
    assert not judged("abcdefghijklmnop7qrstuvwxyz", "token")


def test_a_connection_string_in_source_code_is_settings() -> None:
    """Its password may be letters, since a user is beside it; a text with one pair is a guess."""
    place = Place(code=True, loose=True, path="src/Db.cs")
    text = "Server=db1;User Id=app;Password=lanternpepper;"
    assert told(judged(text, "x", place=place, quoted=True)) == [(PASSWORD, "lanternpepper")]
    for other in (text.replace("User Id", "Pooling"), "Password=lanternpepper"):
        assert judged(other, "x", place=place, quoted=True) == []
    assert judged(text, "x", place=place) == []


def test_a_weak_password_is_told_of_source_code_beside_its_user() -> None:
    """It has to be long and to have a digit: words stand there as labels."""
    place = Place(code=True, loose=True, path="src/db.js", settings=True, beside=True)
    found = judged("root1234", "password", place=place, quoted=True)
    assert [(one.check, one.severity) for one in found] == [(WEAK, Severity.LOW)]
    assert judged("root12", "password", place=place, quoted=True) == []
    assert judged("root1234", "password", place=place) == []
    assert judged("root1234", "password", place=place._replace(beside=False), quoted=True) == []
