// gotd's own test server (github.com/gotd/td/tgtest, layer 198) with one channel, for Postroom's gateway to be judged
// by. Prints one JSON line {port, n, e, fingerprint}, refuses its second new text with FLOOD_WAIT_7 and a repeated
// random id with RANDOM_ID_DUPLICATE, and ends when its standard input does.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"
	"github.com/gotd/td/tgtest"
	"github.com/gotd/td/tgtest/services/file"
	"github.com/gotd/td/transport"
)

const msgsAck = 0x62d6b459

func fatal(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(err)
	port := listener.Addr().(*net.TCPAddr).Port
	dispatcher := tgtest.NewDispatcher()
	server := tgtest.NewServer(tgtest.NewPrivateKey(key), tgtest.UnpackInvoke(dispatcher), tgtest.ServerOptions{DC: 2})
	serve(dispatcher, port)
	fatal(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"port": port, "n": hex.EncodeToString(key.N.Bytes()), "e": key.E,
		"fingerprint": strconv.FormatInt(server.Key().Fingerprint(), 10),
	}))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fatal(server.Serve(context.Background(), transport.ListenCodec(nil, listener)))
}

func serve(d *tgtest.Dispatcher, port int) {
	now := int(time.Now().Unix())
	channel := &tg.Channel{ID: 100, Title: "gotd", Username: "gotd_channel", Broadcast: true, Photo: &tg.ChatPhotoEmpty{}, Date: now}
	channel.SetAccessHash(700)
	me := &tg.User{ID: 777, Self: true, FirstName: "Go", Username: "gotester"}
	messages := []tg.MessageClass{}
	used := map[int64]bool{}
	texts := 0

	post := func(message *tg.Message, random int64) (*tg.Updates, error) {
		if used[random] {
			return nil, tgerr.New(500, "RANDOM_ID_DUPLICATE")
		}
		used[random] = true
		message.ID = len(messages) + 1
		message.PeerID = &tg.PeerChannel{ChannelID: channel.ID}
		message.Date = now
		message.Post = true
		messages = append([]tg.MessageClass{message}, messages...)
		return &tg.Updates{Updates: []tg.UpdateClass{
			&tg.UpdateMessageID{ID: message.ID, RandomID: random},
			&tg.UpdateNewChannelMessage{Message: message, Pts: message.ID, PtsCount: 1},
		}, Users: []tg.UserClass{}, Chats: []tg.ChatClass{channel}, Date: now}, nil
	}
	photo := func(id int64) *tg.MessageMediaPhoto {
		media := &tg.MessageMediaPhoto{}
		media.SetPhoto(&tg.Photo{ID: id, AccessHash: 5, FileReference: []byte("ref"), Date: now, DCID: 2, Sizes: []tg.PhotoSizeClass{&tg.PhotoSize{Type: "x", W: 10, H: 10, Size: 3}}})
		return media
	}

	d.Result(tg.HelpGetConfigRequestTypeID, &tg.Config{Date: now, Expires: now + 3600, ThisDC: 2, DCOptions: []tg.DCOption{{ID: 2, IPAddress: "127.0.0.1", Port: port}}, MeURLPrefix: "t.me", CaptionLengthMax: 2048, MessageLengthMax: 4096})
	d.Vector(tg.UsersGetUsersRequestTypeID, me)
	d.Result(tg.ContactsResolveUsernameRequestTypeID, &tg.ContactsResolvedPeer{Peer: &tg.PeerChannel{ChannelID: channel.ID}, Chats: []tg.ChatClass{channel}, Users: []tg.UserClass{}})
	d.HandleFunc(tg.MessagesSendMessageRequestTypeID, func(server *tgtest.Server, request *tgtest.Request) error {
		var send tg.MessagesSendMessageRequest
		if err := send.Decode(request.Buf); err != nil {
			return err
		}
		if !used[send.RandomID] {
			texts++
			if texts == 2 {
				return server.SendErr(request, tgerr.New(420, "FLOOD_WAIT_7"))
			}
		}
		message := &tg.Message{Message: send.Message}
		message.SetEntities(send.Entities)
		updates, err := post(message, send.RandomID)
		if err != nil {
			return server.SendErr(request, err.(*tgerr.Error))
		}
		return server.SendResult(request, updates)
	})
	d.HandleFunc(tg.MessagesUploadMediaRequestTypeID, func(server *tgtest.Server, request *tgtest.Request) error {
		return server.SendResult(request, photo(4242))
	})
	d.HandleFunc(tg.MessagesSendMediaRequestTypeID, func(server *tgtest.Server, request *tgtest.Request) error {
		var send tg.MessagesSendMediaRequest
		if err := send.Decode(request.Buf); err != nil {
			return err
		}
		id := send.Media.(*tg.InputMediaPhoto).ID.(*tg.InputPhoto).ID
		message := &tg.Message{Message: send.Message}
		message.SetMedia(photo(id))
		updates, err := post(message, send.RandomID)
		if err != nil {
			return server.SendErr(request, err.(*tgerr.Error))
		}
		return server.SendResult(request, updates)
	})
	d.HandleFunc(tg.MessagesGetHistoryRequestTypeID, func(server *tgtest.Server, request *tgtest.Request) error {
		return server.SendResult(request, &tg.MessagesChannelMessages{Pts: 1, Count: len(messages), Messages: messages, Topics: []tg.ForumTopicClass{}, Chats: []tg.ChatClass{channel}, Users: []tg.UserClass{}})
	})
	d.HandleFunc(msgsAck, func(*tgtest.Server, *tgtest.Request) error { return nil })
	file.NewService(file.Config{Storage: file.NewInMemory()}).Register(d)
	d.Fallback(tgtest.HandlerFunc(func(server *tgtest.Server, request *tgtest.Request) error {
		return server.SendErr(request, tgerr.New(400, "INPUT_METHOD_INVALID"))
	}))
}
