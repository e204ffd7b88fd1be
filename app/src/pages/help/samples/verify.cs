using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

public static class Verify
{
    const long ToleranceS = 5 * 60;

    // Way 1: does the body carry our auth token?
    public static bool HasToken(byte[] rawBody, string authToken)
    {
        try
        {
            using var body = JsonDocument.Parse(rawBody);
            return body.RootElement.ValueKind == JsonValueKind.Object
                && body.RootElement.TryGetProperty("auth_token", out var token)
                && token.ValueKind == JsonValueKind.String
                && Equal(token.GetString()!, authToken);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    // Way 2: was the request signed with our secret, within the last five minutes?
    // header: name => request.Headers[name]
    public static bool IsSigned(byte[] rawBody, Func<string, string?> header, string secret)
    {
        var (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        var signatures = header("webhook-signature") ?? "";
        var isWhole = long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds);
        if (!isWhole || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) > ToleranceS) return false;

        var key = Convert.FromBase64String(secret.Replace("whsec_", ""));
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. rawBody];
        var expected = "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
        return signatures.Split(' ').Any(signature => Equal(signature, expected));
    }

    static bool Equal(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));
}
