"""What well-known commands do with their arguments: which one is a credential, by their manuals."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checks.secrets.grammar import Grammar, Stdin, grammar

if TYPE_CHECKING:
    from collections.abc import Mapping

_MYSQL: Final = grammar("-p=GLUED --password=GLUED -u=USER -P=SKIP -h=SKIP")
_PSQL: Final = grammar("-W=FLAG --password=FLAG -U=USER -p=SKIP -h=SKIP")
_SMBCLIENT: Final = grammar(
    "-U=PERCENT --user=PERCENT --password=SECRET",
    "use :* _ SECRET",
    "use \\* SECRET",
    "user USER SECRET /add",
    "user add USER SECRET",
    "user create USER SECRET",
)
_LDAPSEARCH: Final = grammar("-w=SECRET -D=USER -W=FLAG -x=FLAG -H=SKIP -b=SKIP", traits="cluster")
_MONGO: Final = grammar("-p=SECRET -u=USER --password=SECRET --username=USER")
_SNMPWALK: Final = grammar("-c=SECRET -A=SECRET -X=SECRET -u=USER")
_DOAS: Final = grammar(traits="wraps")
_PATTERNS: Final = grammar(traits="patterns")

_ROWS: Final[Mapping[str, Grammar]] = MappingProxyType(
    {
        "mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlslap mysqlbinlog mysqlsh": _MYSQL,
        "mysqlpump mariadb mariadb-dump mariadb-import mariadb-show mariadb-check": _MYSQL,
        "mariabackup mydumper innobackupex xtrabackup automysqlbackup mysql_upgrade": _MYSQL,
        "mysqlhotcopy mytop": _MYSQL,
        "mysqladmin mariadb-admin": grammar(
            "-p=GLUED --password=GLUED -u=USER -P=SKIP -h=SKIP", "password SECRET"
        ),
        "psql pg_dump pg_dumpall pg_restore pg_basebackup createdb dropdb createuser": _PSQL,
        "vacuumdb pg_isready reindexdb pg_receivewal initdb": _PSQL,
        "sshpass": grammar("-p=SECRET -f=SKIP", traits="wraps"),
        "curl": grammar(
            "-u=COLON --user=COLON --proxy-user=COLON -U=COLON -E=COLON "
            "--cert=COLON --proxy-cert=COLON --pass=SECRET --oauth2-bearer=SECRET "
            "-F=SETTING --form=SETTING -o=SKIP -w=SKIP -A=SKIP",
            traits="cluster",
        ),
        "wget wget2": grammar(
            "--password=SECRET --http-password=SECRET --ftp-password=SECRET "
            "--proxy-password=SECRET --user=USER"
        ),
        "http https httpie xh": grammar("-a=COLON --auth=COLON"),
        "openssl": grammar(
            "-passin=SOURCE -passout=SOURCE -pass=SOURCE -password=SOURCE -k=SECRET "
            "-K=SECRET -salt=SKIP -key=SKIP -iv=SKIP -in=SKIP -out=SKIP",
            "passwd SECRET",
            traits="apart",
        ),
        "mkpasswd grub-crypt slapdpasswd": grammar("-m=SKIP -S=SKIP", "SECRET"),
        "slappasswd": grammar("-s=SECRET -h=SKIP"),
        "docker podman nerdctl buildah skopeo docker-compose podman-compose crane img": grammar(
            "-p=SKIP -u=SKIP --password-stdin=FLAG --creds=COLON --src-creds=COLON "
            "--dest-creds=COLON -e=SETTING --env=SETTING --build-arg=SETTING",
            traits="wraps",
        ),
        "login": grammar("-p=SECRET --password=SECRET -u=USER", stdin=(Stdin("--password-stdin"),)),
        "helm": grammar(
            "--set=SETTINGS --set-string=SETTINGS -p=SECRET -u=USER",
            stdin=(Stdin("--password-stdin"),),
        ),
        "kubectl oc k3s minikube kubeadm microk8s": grammar(
            "--from-literal=LITERAL --docker-password=SECRET --env=SETTING "
            "--certificate-key=SECRET --password=SECRET",
            traits="wraps",
        ),
        "az heroku ibmcloud cf aliyun doctl flyctl fly": grammar(
            "--admin-password=SECRET", traits="wraps"
        ),
        "twine": grammar("-p=SECRET --password=SECRET -u=USER --username=USER"),
        "poetry": grammar(
            "-p=SECRET --password=SECRET -u=USER --username=USER",
            "config http-basic* USER SECRET",
            "config pypi-token* SECRET",
        ),
        "cargo": grammar("--token=SECRET", "login SECRET"),
        "dotnet": grammar("", "user-secrets set KEY VALUE", traits="wraps"),
        "nuget": grammar(
            "-p=SECRET --password=SECRET -Password=SECRET -u=USER -k=SECRET --api-key=SECRET "
            "-ApiKey=SECRET",
            "setapikey SECRET",
        ),
        "mvn mvnw gradle gradlew sonar-scanner sbt ant": grammar(
            "-Dsonar.login=SECRET -Dsonar.token=SECRET -Psigning.password=SECRET"
        ),
        "jf jfrog": grammar("--password=SECRET --access-token=SECRET --apikey=SECRET --user=USER"),
        "flyway liquibase": grammar("-password=SECRET --password=SECRET -user=USER"),
        "influx influxd": grammar("-password=SECRET -t=SECRET --token=SECRET -username=USER"),
        "ncat": grammar("--proxy-auth=COLON"),
        "aria2c": grammar("--http-passwd=SECRET --ftp-passwd=SECRET --http-user=USER"),
        "schtasks": grammar("/rp=SECRET /p=SECRET /ru=USER /u=USER"),
        "expect": grammar("-c=DIALOG -f=SKIP", stdin=(Stdin(dialog=True),)),
        "sed grep egrep fgrep rg awk gawk perl jq tr cut gsed zgrep pgrep ack": _PATTERNS,
        "htpasswd": grammar("-C=SKIP -r=SKIP", "-bn USER SECRET", "-b _ USER SECRET"),
        "mosquitto_passwd": grammar("", "-b _ USER SECRET"),
        "mosquitto_pub mosquitto_sub mosquitto_rr": grammar("-P=SECRET --pw=SECRET -u=USER"),
        "smbclient smbget smbmap smbcacls net rpcclient winexe wmic smbtree samba-tool": _SMBCLIENT,
        "wbinfo ntlm_auth nmblookup": _SMBCLIENT,
        "mount mount.cifs mount.davfs sshfs": grammar("-o=SETTINGS --options=SETTINGS"),
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn": _LDAPSEARCH,
        "ldapurl ldapvc ldapexop": _LDAPSEARCH,
        "basic_ldap_auth ext_ldap_group_acl squid_ldap_auth squid_ldap_group": grammar(
            "-w=SECRET -D=USER -b=SKIP -f=SKIP"
        ),
        "ldappasswd": grammar(
            "-w=SECRET -D=USER -W=FLAG -x=FLAG -H=SKIP -b=SKIP -s=SECRET -a=SECRET",
            traits="cluster",
        ),
        "ipa-client-install ipa-replica-install ipa-join": grammar("-w=SECRET -p=USER"),
        "ipa-server-install": grammar("-a=SECRET -p=SECRET"),
        "redis-cli valkey-cli keydb-cli redis-benchmark": grammar(
            "-a=SECRET --pass=SECRET -h=SKIP -p=SKIP -n=SKIP --user=USER",
            "auth SECRET",
            "auth USER SECRET",
            "config set KEY VALUE",
        ),
        "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop": _MONGO,
        "mongofiles": _MONGO,
        "sqlcmd bcp osql tsql go-sqlcmd mssql-cli": grammar("-P=SECRET -U=USER -S=SKIP"),
        "sqlplus exp imp expdp impdp rman sqlldr sqlcl": grammar("", "PAIR"),
        "isql": grammar("", "_ USER SECRET"),
        "cqlsh": grammar("-p=SECRET -u=USER"),
        "beeline": grammar("-p=SECRET -n=USER"),
        "db2 db2cmd": grammar("user=USER using=SECRET"),
        "rabbitmqctl": grammar(
            "-n=SKIP -p=SKIP",
            "add_user USER SECRET",
            "change_password USER SECRET",
            "authenticate_user USER SECRET",
        ),
        "rabbitmqadmin": grammar("-p=SECRET -u=USER"),
        "useradd usermod adduser": grammar(
            "-p=HASH --password=HASH -u=SKIP -c=SKIP -d=SKIP -g=SKIP"
        ),
        "debconf-set-selections": grammar(stdin=(Stdin(answers=True),)),
        "chpasswd": grammar(stdin=(Stdin(pairs=True),)),
        "newusers": grammar(stdin=(Stdin(pairs=True),)),
        "passwd": grammar(stdin=(Stdin(),)),
        "smbpasswd pdbedit saslpasswd2 kinit kadmin cryptsetup realm adcli vncpasswd": grammar(
            stdin=(Stdin(),)
        ),
        "kadmin.local": grammar("-pw=SECRET"),
        "sudo": grammar(
            "-u=SKIP -g=SKIP",
            stdin=(Stdin("-S"), Stdin("--stdin")),
            traits="wraps",
        ),
        "gh glab": grammar(stdin=(Stdin("--with-token"), Stdin("--stdin"))),
        "gpg gpg2 gpg-preset-passphrase": grammar(
            "--passphrase=SECRET --passphrase-fd=SKIP", stdin=(Stdin("--passphrase-fd"),)
        ),
        "ssh-keygen": grammar("-N=SECRET -P=SECRET -C=SKIP -f=SKIP"),
        "aws": grammar(
            "--secret-string=SECRET --master-user-password=SECRET --profile=SKIP --secret-id=SKIP",
            "configure set KEY VALUE",
        ),
        "vault bao": grammar("", "login SECRET", traits="settings"),
        "consul": grammar("-token=SECRET", "kv put KEY VALUE"),
        "etcdctl": grammar("--user=COLON", "put KEY VALUE", "set KEY VALUE"),
        "nomad": grammar("-token=SECRET"),
        "gcloud": grammar("--secret=SKIP"),
        "keytool jarsigner apksigner": grammar(
            "-storepass=SECRET -keypass=SECRET -srcstorepass=SECRET "
            "-deststorepass=SECRET -srckeypass=SECRET -destkeypass=SECRET "
            "-new=SECRET"
        ),
        "ipmitool": grammar("-P=SECRET -K=SECRET -U=USER -H=SKIP"),
        "racadm ilorest esxcli": grammar("-p=SECRET -u=USER"),
        "snmpwalk snmpget snmpset snmpbulkwalk snmpbulkget snmpgetnext snmptable": _SNMPWALK,
        "snmptrap snmpinform snmpstatus snmpdf snmptranslate snmpusm check_snmp": _SNMPWALK,
        "lftp": grammar("-u=COMMA --user=COMMA"),
        "ncftp ncftpput ncftpget": grammar("-p=SECRET -u=USER"),
        "mc mcli": grammar(
            "",
            "alias set _ _ _ SECRET",
            "config host add _ _ _ SECRET",
            "admin user add _ USER SECRET",
        ),
        "s3cmd": grammar("--secret_key=SECRET"),
        "wpa_passphrase": grammar("", "_ SECRET"),
        "nmcli": grammar(
            "password=SECRET wifi-sec.psk=SECRET "
            "802-11-wireless-security.psk=SECRET wifi-sec.wep-key0=SECRET "
            "802-1x.password=SECRET"
        ),
        "rclone": grammar("pass=SECRET secret_access_key=SECRET", "obscure SECRET"),
        "borg restic": grammar("-o=SETTING"),
        "ansible ansible-playbook ansible-pull": grammar(
            "-e=SETTINGS --extra-vars=SETTINGS -a=SETTINGS"
        ),
        "terraform tofu packer terragrunt": grammar("-var=SETTING --var=SETTING"),
        "npm yarn pnpm": grammar("", "config set KEY VALUE", "set KEY VALUE"),
        "pip pip3": grammar("", "config set KEY VALUE"),
        "git": grammar("-c=SETTING", "config KEY VALUE"),
        "composer": grammar("", "config http-basic* USER SECRET", "config *oauth* SECRET"),
        "svn svnsync": grammar("--password=SECRET --username=USER"),
        "zip unzip zipcloak": grammar("-P=SECRET"),
        "7z 7za 7zr 7zz": grammar("-p=GLUED"),
        "rar unrar": grammar("-p=GLUED -hp=GLUED"),
        "pdftk": grammar("user_pw=SECRET owner_pw=SECRET input_pw=SECRET"),
        "plink pscp psftp": grammar("-pw=SECRET -l=USER -P=SKIP"),
        "x11vnc": grammar("-passwd=SECRET -viewpasswd=SECRET"),
        "rdesktop psexec": grammar("-p=SECRET -u=USER"),
        "xfreerdp wfreerdp cmdkey": grammar("/p=SECRET /pass=SECRET /u=USER /user=USER"),
        "radtest": grammar("-t=SKIP", "USER SECRET _ _ SECRET"),
        "icinga2 nagios check_mysql check_ldap check_pgsql check_mssql_health": grammar(
            "-p=SECRET -l=USER"
        ),
        "sendemail swaks": grammar(
            "-xp=SECRET -xu=USER -ap=SECRET -au=USER --auth-password=SECRET"
        ),
        "oathtool": grammar("-b=FLAG", "SECRET"),
        "sh bash dash ash zsh ksh fish busybox": grammar(
            stdin=(Stdin(script=True),), traits="wraps script"
        ),
        "ssh": grammar(
            "-p=SKIP -i=SKIP -l=USER -o=SKIP -F=SKIP",
            stdin=(Stdin(script=True),),
            traits="wraps script",
        ),
        "su runuser": grammar("-s=SKIP", stdin=(Stdin(),), traits="wraps script"),
        "eval watch script tmux screen parallel start-stop-daemon cmd": grammar(
            traits="wraps script"
        ),
        "env": grammar("-u=SKIP -C=SKIP", traits="wraps settings"),
        "export declare typeset local readonly setx": grammar("", "KEY VALUE", traits="settings"),
        "setenv set": grammar("", "KEY VALUE", traits="settings"),
        "doas nohup time timeout nice ionice exec command builtin xargs chroot nsenter ip": _DOAS,
        "flock strace systemd-run chronic setsid unshare stdbuf lxc lxc-attach tini": _DOAS,
        "dumb-init gosu su-exec setpriv sg taskset chrt cgexec if then else elif do": _DOAS,
        "while until ! { and or not begin find": _DOAS,
    }
)


TOOLS: Final[Mapping[str, Grammar]] = MappingProxyType(
    {name: found for names, found in _ROWS.items() for name in names.split()}
)
"""The grammar of each known command by its base name."""

UNKNOWN: Final = Grammar()
