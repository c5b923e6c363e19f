#!/bin/sh
# Certificates for whoever speaks with whom inside: a small authority of our own, and one certificate a service, each in
# a folder of its own with the authority's (ca.crt) beside it. Run it again at any time: what is good for longer than 60
# days stays, the rest is made anew. Each is good for 397 days, the authority for ten years; without the folder
# "authority" all are made anew. The authority's key is needed by this script alone: no service mounts that folder.
#   make-certificates.sh FOLDER
set -eu
umask 077

folder=${1:?say where they are kept}
authority="$folder/authority"
soon=$((60 * 24 * 60 * 60))

lasts() { # CERTIFICATE: it is there, and for a while
    [ -s "$1" ] && openssl x509 -checkend "$soon" -noout -in "$1" >/dev/null
}

mkdir -p "$authority"
chmod 700 "$authority"
if ! lasts "$authority/ca.crt"; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3653 -subj "/CN=Footbridge inside" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$authority/ca.key" -out "$authority/ca.crt" 2>/dev/null
    echo "The authority was made"
fi

# The folder's owner reads the key and nobody else. Only root can hand it to the user of another container.
give() { # OWNER FILE...
    owner=$1
    shift
    if [ "$(id -u)" = 0 ]; then chown "$owner" "$@"; fi
}

trust() { # SERVICE OWNER: it knows the authority
    mkdir -p "$folder/$1"
    chmod 755 "$folder/$1"
    give "$2" "$folder/$1"
    cp "$authority/ca.crt" "$folder/$1/ca.crt"
    chmod 644 "$folder/$1/ca.crt"
}

# Of 0 when it holds a certificate of the present authority that lasts.
holds() { # SERVICE
    lasts "$folder/$1/own.crt" && [ -s "$folder/$1/own.key" ] &&
        openssl verify -CAfile "$authority/ca.crt" "$folder/$1/own.crt" >/dev/null 2>&1
}

certify() { # SERVICE OWNER NAMES: to be served under these names, and to come as this service
    trust "$1" "$2"
    holds "$1" && return
    work=$(mktemp -d)
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$work/own.key" -out "$work/request" 2>/dev/null
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=serverAuth,clientAuth"
        echo "authorityKeyIdentifier=keyid"
        [ -z "$3" ] || echo "subjectAltName=$3"
    } >"$work/extensions"
    openssl x509 -req -in "$work/request" -days 397 -CA "$authority/ca.crt" -CAkey "$authority/ca.key" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/own.crt" 2>/dev/null
    chmod 644 "$work/own.crt"
    give "$2" "$work/own.key" "$work/own.crt"
    # Beside its place first: who reads meanwhile finds the former one or this one, in whole.
    for file in own.key own.crt; do
        cp -p "$work/$file" "$folder/$1/.$file"
        mv "$folder/$1/.$file" "$folder/$1/$file"
    done
    rm -r "$work"
    echo "$1 has a new certificate: restart it"
}

# The owners are the users of the images; PostgreSQL knows its roles by the names (deploy/pg_hba.conf).
certify postgres 999 DNS:postgres,DNS:localhost
certify temporal 1000 DNS:temporal,DNS:localhost
certify temporal-ui 5000 ""
certify footbridge 10001 DNS:api,DNS:worker,DNS:localhost
trust proxy 0

# PostgreSQL's image wants a password for its administrator, who comes by the socket alone: one that nobody knows.
if [ ! -s "$folder/postgres/password" ]; then
    openssl rand -hex 32 >"$folder/postgres/password"
    give 999 "$folder/postgres/password"
fi
