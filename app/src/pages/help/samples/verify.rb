require "json"
require "openssl"

TOLERANCE_S = 5 * 60

# Way 1: does the body carry our auth token?
def token?(raw_body, auth_token)
  body = JSON.parse(raw_body)
  token = body["auth_token"] if body.is_a?(Hash)
  token.is_a?(String) && OpenSSL.secure_compare(token, auth_token)
rescue JSON::ParserError
  false
end

# Way 2: was the request signed with our secret, within the last five minutes?
def signed?(raw_body, headers, secret)
  id = headers["webhook-id"].to_s
  timestamp = headers["webhook-timestamp"].to_s
  signatures = headers["webhook-signature"].to_s
  return false unless timestamp.match?(/\A\d+\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > TOLERANCE_S

  key = secret.delete_prefix("whsec_").unpack1("m")
  mac = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.".b + raw_body.b)
  expected = "v1,#{[mac].pack("m0")}"
  signatures.split(" ").any? { |signature| OpenSSL.secure_compare(signature, expected) }
end
