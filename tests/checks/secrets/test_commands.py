"""Credentials among the arguments of commands are found by each command's own grammar."""

from __future__ import annotations

import random
import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Entry, Role
from checks.secrets.commands import credentials
from checks.secrets.tools import TOOLS

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str = "!#%&;$*()[]{}<>=.,^~|\"'\\ ") -> str:
    """Make a password with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    inner = "".join(rng.choices(LETTERS + special, k=12))
    return f"k{inner}Z{seed}"


def found(command: str, line: int = 1) -> list[Entry]:
    return list(credentials(command, line))


SECRETS = [
    ("mysql -u root -p@@ db", "root"),
    ("mysqldump --password=@@ --all-databases", ""),
    ("/usr/bin/mysqladmin -uroot -p@@ status", "root"),
    ("mysqladmin -u root password @@", "root"),
    ("sudo -u x mysql -p@@", ""),
    ("docker exec -it db mysql -uroot -p@@", "root"),
    ("kubectl exec pod -- mysql -p@@", ""),
    ("sshpass -p @@ ssh host", ""),
    ("sshpass -p@@ rsync a b", ""),
    ("openssl rsa -in k -passin @pass@ -out o", ""),
    ("openssl enc -aes-256-cbc -k @@ -keyout f", ""),
    ("openssl passwd -6 -salt ab @@", ""),
    ("docker login -u bob -p @@ registry", "bob"),
    ("podman login -p @@ --username bob registry", "bob"),
    ("az login -u bob -p @@", "bob"),
    ("helm registry login -u bob -p @@ h", "bob"),
    ("htpasswd -bc /etc/f bob @@", "bob"),
    ("htpasswd -nbB bob @@", "bob"),
    ("ldapsearch -x -D cn=a -w @@ -b dc=x", "cn=a"),
    ("ldapsearch -xw @@", ""),
    ("ldappasswd -D cn=a -s @@", "cn=a"),
    ("redis-cli -h h -a @@ ping", ""),
    ("redis-cli -h h auth @@", ""),
    ("mongodump -u bob -p @@", "bob"),
    ("sqlcmd -S h -U sa -P @@", "sa"),
    ("rabbitmqctl add_user bob @@", "bob"),
    ("rabbitmqctl -n x change_password bob @@", "bob"),
    ("vault login @@", ""),
    ("keytool -genkey -storepass @@", ""),
    ("jarsigner -keypass @@ a.jar", ""),
    ("ipmitool -H h -U bob -P @@ power on", "bob"),
    ("snmpwalk -v2c -c @@ h", ""),
    ("snmpget -v3 -u bob -A @@ h", "bob"),
    ("mc alias set n http://h KEY @@", ""),
    ("wpa_passphrase ssid @@", ""),
    ("kubectl create secret generic n --from-literal=k=@@", ""),
    ("7z a -p@@ f.7z d", ""),
    ("unzip -P @@ f", ""),
    ("gpg --passphrase @@ -d f", ""),
    ("ssh-keygen -t rsa -N @@ -f k", ""),
    ("nmcli dev wifi connect x password @@", ""),
    ("plink -l bob -pw @@ h", "bob"),
    ("xfreerdp /u:bob /p:@@", "bob"),
    ("net user bob @@ /add", "bob"),
    ("aws rds create-db-instance --master-user-password @@", ""),
    ("find . -exec mysql -p@@ {} \\;", ""),
    ("if mysql -p@@; then x; fi", ""),
    ("X=$(mysql -p@@)", ""),
    ("twine upload -u bob -p @@ dist/*", "bob"),
    ("poetry publish -u bob -p @@", "bob"),
    ("poetry config http-basic.corp bob @@", "bob"),
    ("cargo login @@", ""),
    ("dotnet nuget push x.nupkg --api-key @@", ""),
    ("dotnet nuget add source u -u bob -p @@", "bob"),
    ("mvn deploy -Dsonar.login=@@", ""),
    ("influx -username bob -password @@", "bob"),
    ("flyway -user=bob -password=@@ migrate", "bob"),
    ("net use Z: //h/s @@ /user:bob", "bob"),
    ("schtasks /create /ru bob /rp @@", "bob"),
    ("cmdkey /add:h /user:bob /pass:@@", "bob"),
]


@pytest.mark.parametrize(("template", "user"), SECRETS)
def test_an_argument_that_the_manual_makes_a_secret_is_found(template: str, user: str) -> None:
    """The value comes out to the letter, with its role and the user the command names."""
    for seed in range(6):
        value = made(seed)
        command = template.replace("@pass@", shlex.quote(f"pass:{value}"))
        command = command.replace("@@", shlex.quote(value))
        secrets = [e for e in found(command) if e.role is Role.SECRET]
        assert [(e.value, e.subject) for e in secrets] == [(value, user)]


PAIRS = [
    ("curl -u @@ https://h", ":"),
    ("curl -sSfu @@ https://h", ":"),
    ("curl --proxy-user @@ https://h", ":"),
    ("curl --user=@@ https://h", ":"),
    ("smbclient //h/s -U @@", "%"),
    ("net ads join -U @@", "%"),
    ("lftp -u @@ h", ","),
    ("http -a @@ https://h", ":"),
    ("etcdctl --user @@ get x", ":"),
]


@pytest.mark.parametrize(("template", "separator"), PAIRS)
def test_user_and_secret_in_one_argument_are_told_apart(template: str, separator: str) -> None:
    """The secret goes from the first separator to the end."""
    for seed in range(6):
        value = made(seed)
        command = template.replace("@@", shlex.quote(f"bob{separator}{value}"))
        assert [(e.value, e.subject, e.role) for e in found(command)] == [
            (value, "bob", Role.SECRET)
        ]


NAMED = [
    ("PGPASSWORD=@@ psql -h x", "PGPASSWORD"),
    ("export DB_PASSWORD=@@", "DB_PASSWORD"),
    ("env A=1 DB_PASSWORD=@@ cmd", "DB_PASSWORD"),
    ("anything --password @@ x", "password"),
    ("anything --password=@@ x", "password"),
    ("anything --api-key=@@", "api-key"),
    ("java -Ddb.password=@@ -jar x", "db.password"),
    ("gradle -PsigningPassword=@@", "signingPassword"),
    ("msbuild /p:Password=@@", "Password"),
    ("docker run -e DB_PASSWORD=@@ image", "DB_PASSWORD"),
    ("docker build --build-arg NPM_TOKEN=@@ .", "NPM_TOKEN"),
    ("aws configure set aws_secret_access_key @@", "aws_secret_access_key"),
    ("vault kv put secret/x password=@@", "password"),
    ("consul kv put app/password @@", "app/password"),
    ("redis-cli config set requirepass @@", "requirepass"),
    ("set -gx API_TOKEN @@", "API_TOKEN"),
    ("terraform apply -var db_password=@@", "db_password"),
    ("npm config set _authToken @@", "_authToken"),
    ("New-Thing -Password @@", "Password"),
    ("npm config set //h/:_authToken @@", "//h/:_authToken"),
    ("dotnet user-secrets set Smtp:Password @@", "Smtp:Password"),
    ("--db-password=@@ --verbose", "db-password"),
    ("--db-password @@", "db-password"),
    ("$env:DB_PASSWORD = @@", "DB_PASSWORD"),
    ("sed -i s/^DB_PASSWORD=.*/DB_PASSWORD=@@/ f", "DB_PASSWORD"),
]


@pytest.mark.parametrize(("template", "name"), NAMED)
def test_a_setting_or_a_telling_option_is_named(template: str, name: str) -> None:
    """The name is the only key, and the judge decides by it."""
    for seed in range(6):
        value = made(seed)
        entries = [
            e for e in found(template.replace("@@", shlex.quote(value))) if e.keys == (name,)
        ]
        assert [(e.value, e.role) for e in entries] == [(value, Role.NAMED)]


LISTS = [
    ("mount -t cifs //h/s /mnt -o username=u,password=@@,uid=3", "password"),
    ("helm install x c --set a.b=1,auth.password=@@", "auth.password"),
    ("ansible-playbook -e 'a=b ansible_password=@@' p.yml", "ansible_password"),
]


@pytest.mark.parametrize(("template", "name"), LISTS)
def test_settings_in_one_argument_are_split(template: str, name: str) -> None:
    """A comma or a blank ends a value there."""
    value = made(1, "!%&*[]{}.^~:@")
    quoted = template if "'" in template else template.replace("@@", f"'{value}'")
    entries = found(quoted.replace("@@", value))
    assert (value, (name,)) in [(e.value, e.keys) for e in entries]


INSIDE = [
    ("git clone https://bob:@@@host/x.git", Role.SECRET),
    ("psql postgresql://bob:@@@host/db", Role.SECRET),
    ("curl -H 'X-Api-Key: @@' https://h", Role.NAMED),
    ("curl -H 'Authorization: Bearer @@' https://h", Role.SECRET),
    ('curl -d \'{"password": "@@"}\' https://h', Role.NAMED),
    ("curl -d 'user=a&password=@@' https://h", Role.NAMED),
    ("psql -c \"ALTER USER a PASSWORD '@@'\"", Role.SECRET),
    ("mysql -e \"CREATE USER a IDENTIFIED BY '@@'\"", Role.SECRET),
]


@pytest.mark.parametrize(("template", "role"), INSIDE)
def test_a_credential_within_an_argument_is_found(template: str, role: Role) -> None:
    """URLs, headers, bodies and SQL in arguments are looked into."""
    value = made(2, "") + "0123456789"
    entries = found(template.replace("@@", value, 1) if "@@@" not in template else
                    template.replace("@@@", f"{value}@"))  # fmt: skip
    assert [(e.value, e.role) for e in entries] == [(value, role)]


FED = [
    ("echo root:@@ | chpasswd", "root"),
    ("echo -n root:@@ | sudo chpasswd", "root"),
    ("printf 'root:%s\\n' @@ | chpasswd", "root"),
    ("chpasswd <<< root:@@", "root"),
    ("cat <<EOF | chpasswd\nroot:@@\nEOF\n", "root"),
    ("echo @@ | passwd --stdin bob", ""),
    ("echo @@ | sudo -S id", ""),
    ("echo @@ | docker login --password-stdin h", ""),
]


@pytest.mark.parametrize(("template", "user"), FED)
def test_a_password_on_standard_input_is_found(template: str, user: str) -> None:
    """What echo, printf or a here-document hands to such a command is the secret."""
    value = made(3, "!#%&;*()[]{}=.,^~|")
    command = template.replace("@@", value if "<<EOF" in template else f"'{value}'")
    entries = found(command)
    assert [(e.value, e.role, e.subject) for e in entries] == [(value, Role.SECRET, user)]
    assert entries[0].line == (2 if "<<EOF" in template else 1)


def test_hashes_are_told_from_passwords() -> None:
    """A crypt hash for useradd or `chpasswd -e` has the role HASH, a clear one is a secret."""
    crypt = "$6$" + "s" * 8 + "$" + "h" * 40
    assert [e.role for e in found(f"useradd -p '{crypt}' bob")] == [Role.HASH]
    assert [e.role for e in found(f"echo 'bob:{crypt}' | chpasswd -e")] == [Role.HASH]
    assert [e.role for e in found(f"usermod -p {made(1, '')} bob")] == [Role.SECRET]


@pytest.mark.parametrize(
    "template",
    ["ssh h {}", "bash -c {}", "su - bob -c {}", "docker exec c sh -c {}", "sh <<E\n{}\nE\n"],
)  # fmt: skip
def test_a_command_line_within_a_command_line_is_followed(template: str) -> None:
    """The inner command's grammar is used."""
    value = made(4)
    nested = f"mysql -p{shlex.quote(value)}"
    command = template.format(nested if "<<" in template else shlex.quote(nested))
    assert value in [e.value for e in found(command)]


@pytest.mark.parametrize(
    "command",
    [
        "mysql -u root -p dbname",
        "mysql --password dbname",
        "mongo -u bob -p --authenticationDatabase admin",
        "psql --password -U bob db",
        "docker run --name mysql -p 3306:3306 -p3307:3307 mysql:8",
        "docker login --password-stdin registry",
        "curl -sSfL -o f https://host/path",
        "openssl req -newkey rsa:2048 -keyout key.pem -passout env:PW",
        "sudo -S id",
        "echo hello | tee f",
        "chpasswd < file",
        "tar -czpf backup.tar.gz dir",
        "mkdir -p /var/lib/mysql",
        "cp -p mysql /usr/bin",
        "ssh -p 2222 host uptime",
        "# mysql -pnothing",
        "gh auth login --with-token < f",
        "git commit -m 'change the password dialog'",
        "ps -ef",
    ],
)
def test_an_option_that_takes_no_secret_gives_nothing(command: str) -> None:
    """Ports, paths, prompts and other options that look alike are left alone."""
    assert found(command) == []


def test_lines_are_counted_through_continuations() -> None:
    """An argument has the number of its own line."""
    assert [e.line for e in found("mysql \\\n -uroot \\\n -pabc123\n", 7)] == [9]


def test_every_option_of_the_table_is_spelled_as_a_word() -> None:
    """The table names options without blanks or equals signs, so that each can match."""
    for grammar in TOOLS.values():
        assert not any("=" in option or " " in option for option in grammar.options)


@given(st.text("mysql curl-pP-uechopasswd|sudo 'S\"$()<=:@\\\n", max_size=120))
def test_any_text_is_read(text: str) -> None:
    """Nothing raises."""
    assert all(isinstance(entry, Entry) for entry in found(text))


@pytest.mark.parametrize(
    "piece",
    ["-pa ", "sudo -S ", "a://b:c@d ", "echo a|", "mysql -p'", "--set a=b,", "sh -c 'sh -c \"",
     "A="],
)  # fmt: skip
def test_a_hostile_command_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take seconds at the most."""
    start = time.process_time()
    assert len(found("mysql " + piece * (100_000 // len(piece)))) >= 0
    assert time.process_time() - start < 6


@pytest.mark.parametrize(
    "command",
    [
        "grep -q '^password=abc1' f",
        "sed -i '/^password=abc1/d' f",
        "awk -F= '/password=abc1/ {print $2}' f",
        "aws secretsmanager get-secret-value --secret-id prod/db1",
        "net use Z: '\\\\h\\s' /user:bob",
        "dotnet run -p src/x1",
        "docker run -p 80:80 x",
    ],
)
def test_expressions_names_and_ports_are_no_credentials(command: str) -> None:
    """What a tool looks for, what a secret is called, where a port goes."""
    assert found(command) == []


@pytest.mark.parametrize("unit", ["s/", "s/a=", "sed s/a=b/", "expect -c 'send "])
def test_expressions_cost_time_in_proportion(unit: str) -> None:
    """However long and however nested."""
    start = time.perf_counter()
    found("sed " + unit * 50_000)
    found(f"sed '{unit * 50_000}'")
    assert time.perf_counter() - start < 5


def test_an_alias_is_a_command_line() -> None:
    """Its name says nothing about its value."""
    value = made(41, "")
    entries = found(f"alias dirpass='ldapsearch -x -D cn=a -w {value} -b dc=b'")
    assert [(e.value, e.role) for e in entries] == [(value, Role.SECRET)]
    assert found("alias genpw='openssl rand -base64 24'") == []


def test_the_helper_of_squid_takes_its_password() -> None:
    """Its filter is none."""
    value = made(42, "")
    entries = found(f"/usr/lib/squid/basic_ldap_auth -b dc=a -D cn=b -w {value} -f uid=%s h")
    assert [e.value for e in entries] == [value]
    assert found("/usr/lib/squid/basic_ldap_auth -b dc=a -f password=%s h") == []


def test_a_template_in_front_of_a_command_is_passed_over() -> None:
    """The variables of Packer stand there."""
    value = made(7, "")
    assert [e.value for e in found(f"echo '{value}' | {{{{.Vars}}}} sudo -S sh x")] == [value]
    assert found(f"echo '{value}' | {{{{.Vars}}}} cat x") == []


def test_answers_to_debconf_are_read() -> None:
    """From a pipe and from a here-string; other types of answers are settings."""
    value = made(8, "")
    answer = f"mysql-server mysql-server/root_password password {value}"
    for line in (
        f"echo '{answer}' | debconf-set-selections",
        f"debconf-set-selections <<< '{answer}'",
    ):
        assert [(e.value, e.role) for e in found(line)] == [(value, Role.SECRET)]
    assert found("echo 'a a/b boolean true' | cat") == []
