"""What stands where a secret could is told from one; no drawn password is taken for it."""

from __future__ import annotations

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets.notsecret import why_not

CERTAIN = {
    "reference": """${DB_PASSWORD} ${DB_PASSWORD:-} ${A:-${B}} $DB_PASSWORD $$DB_PASSWORD $(cat|x)
        $(pass) {{vault_pw}} {{lookup('x')}} {%x%} <%=pw%> #{ENV} %(pw)s %PW% %d/token @@TOKEN@@
        @TOKEN@ var.db_password data.vault_generic_secret.db.data["x"] local.pw module.db.pw
        random_password.db.result !vault !Ref lookup('env','X') os.environ["X"] process.env.X
        env.X ENV["X"] secrets.DB_PASSWORD vault:secret/data/db#pw {{resolve:secretsmanager:x}}
        resolve:ssm:/db arn:aws:secretsmanager:eu-west-1:1:secret:x projects/p/secrets/s
        @Microsoft.KeyVault(SecretUri=x) env:DB_PASSWORD op://vault/item/field ref+vault://x
        file:/run/secrets/db `pass` ((db-password)) [parameters('pw')] $env:PW ${{secrets.X}}
        $[variables.pw] <#pw#> $$PASS_STORE$$
        $4 $10 $@""",
    "encrypted": """ENC[AES256_GCM,data:x] ENC(abc=) $ANSIBLE_VAULT;1.1;AES256 {cipher}a1b2c3
        {AES}abc= {AES256}abc= age-encryption.org/v1 $encrypted$ jasypt:abc sops:x
        k8s:enc:aescbc:v1:key1:x""",
    "placeholder": """xxxxx XXXX **** ...... <password> <your-password-here> [password]
        your_password YOUR-API-KEY my_secret example sample_password dummy fake_token foo
        bar_123 todo TBD REDACTED masked REPLACE_ME replace-with-token insert_token_here
        put-your-token change_here placeholder place-holder ??? %s not-set :password @password
        enter-your-key abc... AKIAEXAMPLE CHANGE_ME CHANGE-ME-NOW change_this $ $$""",
}
LIKELY = {
    "switch": "true No off required on_create bcrypt md5 prompt none null trust peer auto 0 ask",
    "type": "string Str boolean varchar(255) SecretStr uuid required|min:12",
    "address": "https://example.org/x tcp://db:5432 bob@example.org 10.0.0.1 10.0.0.1:5432",
    "path": "/etc/app/pw ./pw.txt ~/.pw ../x/y C:\\secrets\\x pw.txt secrets/db.pem a.b.yaml",
    "public": "ssh-rsa ssh-ed25519 sha256:abcd sha512-abcd md5=abcd",
    "pattern": r"^[a-z0-9]+$ \w+\d{3} (?:a|b)x [^'\s]+ \S{8,}[a-z]* [A-Z]{3}-\d+",
    "call": """getPassword() os.getpw(x) new(x) decode("x" settings["db"] x=>x.pw
        ()=>pw *anchor &password password(""",
    "option": "--password --password-file= password=",
    "name": "mysql-root-password db.password dbPassword app/secret api_key spring.db.password",
}
MAYBE = """hunter2 P@ssw0rd Tr0ub4dor&3 a$b$c7 100%sure!x x{y}z9Q! (abc)9Q!x p%40ss9 [x]Y7 Zq7!(kPx4
    k&x=>7Qz!w s3cr[^t7Q a\\b7Q!xyz abc#{def9 ${x9Q $1Qx!7zz =abc7Q!x no7Q!pass true7Q! /7Q!abcx$
    7Q!abc/def/ghi &x7Q!y% *7Q!ab* x*7Q![y ab(cd7Q e=mc2!Qx 1.2.3-Q!z yourQ7!x exampleQ7!
    Summer2024 secret1 changeme change_method7Q $! @lantern77""".split()


def words(text: str) -> list[str]:
    """Split a table; a bar stands for a blank within a value."""
    return [word.replace("|", " ") if "cat|" in word else word for word in text.split()]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("reason", "value"), [(r, v) for r in CERTAIN for v in words(CERTAIN[r])])
def test_what_is_certainly_none_is_never_taken(reason: str, value: str, *, strict: bool) -> None:
    """References, encrypted values and placeholders are none even where a secret must stand."""
    assert why_not(value, strict=strict) == reason


@pytest.mark.parametrize(("reason", "value"), [(r, v) for r in LIKELY for v in words(LIKELY[r])])
def test_what_is_likely_none_counts_where_a_secret_must_stand(reason: str, value: str) -> None:
    """A word or a path behind `password` is none; in a place for secrets only, it may be one."""
    assert why_not(value) == reason
    assert why_not(value, strict=True) in {"", "placeholder"}


@pytest.mark.parametrize("value", MAYBE)
def test_what_may_be_a_secret_is_kept(value: str) -> None:
    """Signs of references, patterns and calls within a password do not make it one."""
    assert why_not(value) == ""
    assert why_not(value, strict=True) == ""


def test_nothing_is_empty() -> None:
    """The empty value has a reason of its own."""
    assert why_not("") == why_not("", strict=True) == "empty"


def test_hashes_and_labels_are_none() -> None:
    """A bcrypt hash and a prompt are known as what they are."""
    assert why_not("$2b$12$" + "a" * 53) == "hash"
    assert why_not("Please type the current password") == "label"
    assert why_not("Password:") == "label"


@pytest.mark.parametrize("length", [12, 14, 16, 20, 24, 32])
def test_random_passwords_are_kept(length: int) -> None:
    """Of passwords over all printable characters 99.5 % are kept, 99.7 % where one must stand."""
    rng = random.Random(length)
    alphabet = string.ascii_letters + string.digits + string.punctuation
    drawn = ["".join(rng.choices(alphabet, k=length)) for _ in range(8000)]
    dropped = [value for value in drawn if why_not(value)]
    certain = [value for value in dropped if why_not(value, strict=True)]
    assert len(dropped) <= 0.005 * len(drawn)
    assert len(certain) <= 0.003 * len(drawn)


@pytest.mark.parametrize("length", [8, 12, 16, 24, 32, 40])
def test_random_letters_and_digits_are_kept(length: int) -> None:
    """What a generator without special characters draws is dropped once in a thousand at most."""
    rng = random.Random(length)
    for alphabet in (string.ascii_letters + string.digits, string.ascii_lowercase + "234567"):
        drawn = ["".join(rng.choices(alphabet, k=length)) for _ in range(4000)]
        assert len([value for value in drawn if why_not(value)]) <= 0.001 * len(drawn)


@given(st.text(alphabet=string.ascii_letters + string.digits + "!%&+,.:;=?@^_~-", min_size=5))
def test_a_sign_in_the_middle_changes_nothing(middle: str) -> None:
    """Between letters and digits of its own, no run of signs is a reference or a placeholder."""
    value = f"k7Q{middle}Zx9"
    if not any(word in value.lower() for word in ("example", "place", "replace", "insert")):
        assert why_not(value, strict=True) == ""


@given(st.text())
def test_any_text_has_a_reason_or_none(value: str) -> None:
    """No text fails, and what is certain stays so without certainty."""
    certain = why_not(value, strict=True)
    assert why_not(value) == certain or not certain


_FRAGMENTS = """${ $( {{ {% <% #{ %( %{ insert insert_ foo_pass foo-pass1 example_ example your_ a.
    a/ a@ a@b. pass. \\w [^ (? [a-z {1, a[ a( => & xx *** - a: a|b: ' ` < [ ( ) } 1 aB _ . , @ $
    \\""".split()


@pytest.mark.parametrize("fragment", [*_FRAGMENTS, " ", "\n", "a b "])
def test_a_hostile_value_takes_little_time(fragment: str) -> None:
    """Any fragment repeated, with any end, is judged in milliseconds."""
    for end in ("", "!", "}", "\0"):
        value = (fragment * 4096)[:4095] + end
        begun = time.process_time()
        why_not(value)
        assert time.process_time() - begun < 0.25


def test_an_article_in_front_of_random_characters_is_no_placeholder() -> None:
    """`a_` may begin a password."""
    assert not why_not("a_Vo7O4" + "5v!Weup", strict=True)


@pytest.mark.parametrize("value", ["my_password", "a-long-secret", "your-256-bit-secret"])
def test_words_that_tell_what_to_put_are_a_placeholder(value: str) -> None:
    """Words behind an article or a possessive are meant to be replaced."""
    assert why_not(value, strict=True) == "placeholder"


def test_the_password_of_an_application_is_no_label() -> None:
    """Four times four letters are one, unless they are words that ask for it."""
    rng = random.Random(31)
    value = " ".join("".join(rng.choices(string.ascii_lowercase, k=4)) for _ in range(4))
    assert why_not(value) == ""
    assert why_not("pick from this code") == "label"
