use std::collections::BTreeMap;

use expect_test::expect;
use serde::{Deserialize, Serialize};

use crate::{MapList, Optional, Resolver, Secret, Secrets, to_value};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    endpoint: String,
    token: Secret,
    headers: MapList,
    tls: Optional<Tls>,
    tokens: Vec<Secret>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Tls {
    key_pem: Secret,
    file: String,
}

fn redacted(yaml: &str) -> String {
    let variables: BTreeMap<String, String> =
        [("A".to_owned(), "hunter2".to_owned()), ("MAP".to_owned(), "{key_pem: hunter2}".to_owned())].into();
    let resolved = Resolver::new(variables).resolve(&[format!("yaml:{yaml}")]).unwrap();
    let config: Config = resolved.root.decode().unwrap();
    let text = resolved.redacted(&to_value(&config)).to_yaml(Secrets::Redacted);
    assert!(!text.contains("hunter2"), "{text}");
    text
}

#[test]
fn references_stay_and_secrets_do_not() {
    expect![[r#"
        endpoint: "${env:A}"
        token: "${env:A}"
        headers:
          a: "${A}"
          b: "[REDACTED]"
          c: "[REDACTED]"
        tls:
          key_pem: "[REDACTED]"
          file: "a ${A}"
        tokens:
          - "[REDACTED]"
          - "${A}"
    "#]].assert_eq(&redacted(
        "endpoint: ${env:A}\ntoken: ${env:A}\nheaders: {a: '${A}', b: 'Basic ${A}', c: hunter2}\ntls: {key_pem: hunter2, file: 'a ${A}'}\ntokens: [hunter2, '${A}']",
    ));
    expect![[r#"
        token: "[REDACTED]"
        headers:
          - name: a
            value: "${A}"
          - name: b
            value: "[REDACTED]"
        tls: "${env:MAP}"
        tokens: "[REDACTED]"
    "#]].assert_eq(&redacted(
        "token: Bearer ${env:A}\nheaders: [{name: a, value: '${A}'}, {name: b, value: hunter2}]\ntls: ${env:MAP}\ntokens: hunter2,hunter2",
    ));
    expect![[r#"
        tls:
          enabled: false
          key_pem: "[REDACTED]"
          file: "${A}"
    "#]]
    .assert_eq(&redacted("tls: {enabled: false, key_pem: hunter2, file: '${A}'}"));
}
