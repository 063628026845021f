use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    peers: PeerArgs,
}

fn resolve(arguments: &[&str]) -> Result<(Vec<Peer>, Vec<Skipped>), Error> {
    Line::try_parse_from(std::iter::once(&"x").chain(arguments)).unwrap().peers.resolve()
}

fn variables(folder: &Path, protocol: Protocol) -> Variables {
    Variables {
        folder: folder.to_owned(),
        listen_port: 1111,
        upstream_port: 2222,
        free_port: 3333,
        signal: Signal::Logs,
        protocol,
        compress: Compress::Gzip,
        in_flight: 32,
        body_buffer: 4096,
    }
}

#[test]
fn every_built_in_template_fills_without_a_variable_left() {
    let folder = tempfile::tempdir().unwrap();
    let args = Line::try_parse_from(["x"]).unwrap().peers;
    for name in ["etalon", "etalon-anew", "nginx", "haproxy", "go"] {
        for protocol in [Protocol::Grpc, Protocol::Http] {
            let variables = variables(folder.path(), protocol);
            let command = args.programs.peer(name).unwrap().prepare(&variables).unwrap();
            let path = command.last().unwrap();
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains("127.0.0.1:1111") && text.contains("127.0.0.1:2222"), "{name}: {text}");
            for variable in variables.values().keys().chain(&["config"]) {
                assert!(!text.contains(&format!("{{{variable}}}")), "{name}: {variable}");
            }
        }
    }
}

#[test]
fn another_forwarder_is_a_command_and_a_template() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("mine.yaml");
    fs::write(
        &template,
        "in: {listen}\nout: {upstream}\nmap: {a: 1}\nenv: ${HOME} ${env_like}\nname: {signal}",
    )
    .unwrap();
    let (peers, skipped) = resolve(&[
        "--peers=",
        "--peer",
        "mine=/bin/sh -c 'exec it' \"--x={in_flight}\" {config}",
        "--peer-config",
        &format!("mine={}", template.display()),
    ])
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(skipped, []);
    let command = peers[0].prepare(&variables(folder.path(), Protocol::Grpc)).unwrap();
    assert_eq!(command[..4], ["/bin/sh", "-c", "exec it", "--x=32"]);
    let text = fs::read_to_string(&command[4]).unwrap();
    assert_eq!(
        text,
        "in: 127.0.0.1:1111\nout: 127.0.0.1:2222\nmap: {a: 1}\nenv: ${HOME} ${env_like}\nname: logs"
    );
}

#[test]
fn a_peer_that_is_not_installed_is_skipped_with_the_reason() {
    let (peers, skipped) =
        resolve(&["--peers=etalon", "--etalon=/nonexistent/etalon", "--peer", "sh=sh"]).unwrap();
    assert_eq!(peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["sh"]);
    assert_eq!(skipped[0].name, "etalon");
    assert!(skipped[0].why.contains("/nonexistent/etalon") && skipped[0].why.contains("cargo build"));
}

#[test]
fn mistakes_on_the_command_line_are_told() {
    let error = |arguments: &[&str]| resolve(arguments).unwrap_err();
    assert!(matches!(error(&["--peers=ngnix"]), Error::UnknownPeer(_)));
    assert!(matches!(error(&["--peer=just-a-command"]), Error::PeerSyntax(_)));
    assert!(matches!(error(&["--peer=a='open"]), Error::PeerSyntax(_)));
    assert!(matches!(error(&["--peer=../a=sh"]), Error::PeerSyntax(_)));
    assert!(matches!(error(&["--peer=nginx=sh"]), Error::PeerTwice(_)));
    assert!(matches!(error(&["--peer=a=sh {config}"]), Error::NoConfig(_)));
    assert!(matches!(error(&["--peer-config=b=/etc/hostname"]), Error::PeerConfigOrphan(_)));
    assert!(matches!(error(&["--peer-config=nginx=/nonexistent"]), Error::Read { .. }));
}

#[test]
fn an_unknown_variable_is_an_error_that_lists_the_known_ones() {
    let error = fill("mine", "{upstrem}", &BTreeMap::from([("upstream", String::new())])).unwrap_err();
    assert_eq!(error.to_string(), "the template of mine asks for {upstrem}; it can have: upstream");
}
