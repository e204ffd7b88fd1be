// Built together with the sample. verify BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints what the sample says of token and signature.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	said := os.Args[1:]
	body, id, timestamp, signature, secret, token := said[0], said[1], said[2], said[3], said[4], said[5]
	headers := http.Header{}
	headers.Set("webhook-id", id)
	headers.Set("webhook-timestamp", timestamp)
	headers.Set("webhook-signature", signature)
	fmt.Println(hasToken([]byte(body), token), isSigned([]byte(body), headers, secret))
}
