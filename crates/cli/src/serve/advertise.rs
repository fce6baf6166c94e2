//! The address that clients are told to connect to.

use ottla_server::Advertised;

/// Parses `HOST` or `HOST:PORT`.
pub(super) fn parse_advertised(text: &str) -> Result<Advertised, String> {
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address holds colons itself.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if host.is_empty() {
        return Err("give a host, or HOST:PORT".to_owned());
    }
    let port = port.map(|port| port.parse().map_err(|_| format!("{port:?} is no port"))).transpose()?;
    Ok(Advertised { host: host.trim_matches(['[', ']']).to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advertised_address_may_have_a_port() {
        let at = |host: &str, port| Ok(Advertised { host: host.to_owned(), port });
        assert_eq!(parse_advertised("example.org"), at("example.org", None));
        assert_eq!(parse_advertised("example.org:19092"), at("example.org", Some(19092)));
        assert_eq!(parse_advertised("::1"), at("::1", None));
        assert_eq!(parse_advertised("[::1]:9092"), at("::1", Some(9092)));
        assert!(parse_advertised(":9092").is_err());
        assert!(parse_advertised("host:99999").is_err());
    }
}
