//! A password as an htpasswd file has it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

/// How to tell whether a password is right.
#[derive(Clone)]
pub(crate) enum Password {
    /// `$2y$…`, by `htpasswd -B`.
    Bcrypt(String),
    /// `$5$…` and `$6$…`, by `htpasswd -2` and `-5`.
    ShaCrypt(String),
    /// `{SHA}…` without a salt, by `htpasswd -s`; `{SSHA}…` with one.
    Sha1 { digest: [u8; SHA1_BYTES], salt: Vec<u8> },
    /// The password itself, by `htpasswd -p`.
    Plain(Vec<u8>),
}

/// A password cannot be used. It is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("passwords hashed with MD5 are not supported; hash them with bcrypt: htpasswd -B")]
    Md5,
    #[error("the hash of the password is malformed")]
    Malformed,
    #[error("passwords hashed in this way are not supported; hash them with bcrypt: htpasswd -B")]
    Unknown,
    #[error("the password is empty")]
    Empty,
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            return sha1(encoded, |salt| salt == 0);
        }
        if let Some(encoded) = text.strip_prefix("{SSHA}") {
            return sha1(encoded, |salt| salt > 0);
        }
        match text.split('$').nth(1).filter(|_| text.starts_with('$')) {
            Some("2a" | "2b" | "2x" | "2y") => {
                let is_hash = text.parse::<bcrypt::HashParts>().is_ok();
                if is_hash { Ok(Self::Bcrypt(text.to_owned())) } else { Err(PasswordError::Malformed) }
            }
            Some("5" | "6") => {
                let well_formed = sha_crypt::PasswordHashRef::new(text).is_ok();
                if well_formed { Ok(Self::ShaCrypt(text.to_owned())) } else { Err(PasswordError::Malformed) }
            }
            Some("apr1" | "1") => Err(PasswordError::Md5),
            Some(_) => Err(PasswordError::Unknown),
            None => Ok(Self::Plain(text.as_bytes().to_vec())),
        }
    }
}

fn sha1(encoded: &str, salt_fits: impl Fn(usize) -> bool) -> Result<Password, PasswordError> {
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| PasswordError::Malformed)?;
    let (digest, salt) = decoded.split_first_chunk().ok_or(PasswordError::Malformed)?;
    if !salt_fits(salt.len()) {
        return Err(PasswordError::Malformed);
    }
    Ok(Password::Sha1 { digest: *digest, salt: salt.to_vec() })
}

impl Password {
    /// Whether `given` is the password. The time that this takes tells nothing of the password.
    pub(crate) fn matches(&self, given: &[u8]) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(given, hash).unwrap_or(false),
            Self::ShaCrypt(hash) => ShaCrypt::SHA512.verify_password(given, hash.as_str()).is_ok(),
            Self::Sha1 { digest, salt } => {
                let given = Sha1::new().chain_update(given).chain_update(salt).finalize();
                given.as_slice().ct_eq(digest).into()
            }
            // Of digests, so that not even the length can be told.
            Self::Plain(expected) => {
                Sha256::digest(given).as_slice().ct_eq(Sha256::digest(expected).as_slice()).into()
            }
        }
    }
}

/// Not even the hash is shown: it can be guessed at.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bcrypt(_) => "Bcrypt",
            Self::ShaCrypt(_) => "ShaCrypt",
            Self::Sha1 { .. } => "Sha1",
            Self::Plain(_) => "Plain",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_password(hash: &str, password: &str) -> bool {
        hash.parse::<Password>().unwrap().matches(password.as_bytes())
    }

    /// Hashes by others: the `htpasswd` of Apache, and `crypt(3)`.
    #[test]
    fn the_hashes_of_other_programs_are_understood() {
        for (hash, password) in [
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password"),
            ("$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie", "correctbatteryhorsestapler"),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
                "Hello world!",
            ),
            ("$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!"),
            ("pass:word", "pass:word"),
        ] {
            let wrong = format!("{password}x");
            assert!(is_password(hash, password), "{hash}");
            assert!(!is_password(hash, &wrong) && !is_password(hash, ""), "{hash}");
        }
    }

    #[test]
    fn a_salted_sha_is_that_of_password_and_salt() {
        let salted = [Sha1::digest(b"passwordsalt").as_slice(), b"salt"].concat();
        let hash = format!("{{SSHA}}{}", BASE64_STANDARD.encode(salted));
        assert!(is_password(&hash, "password") && !is_password(&hash, "passwordsalt"));
    }

    #[test]
    fn what_cannot_be_checked_is_refused_and_not_shown() {
        for (hash, error) in [
            ("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", PasswordError::Md5),
            ("$1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", PasswordError::Md5),
            ("$2y$broken", PasswordError::Malformed),
            ("$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", PasswordError::Unknown),
            ("{SHA}short", PasswordError::Malformed),
            ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", PasswordError::Malformed),
            ("", PasswordError::Empty),
        ] {
            assert_eq!(hash.parse::<Password>().unwrap_err(), error, "{hash}");
        }
        assert_eq!(format!("{:?}", "sesame".parse::<Password>().unwrap()), "Plain");
    }
}
