/* Lets keepalived check real servers on a kernel without IPVS: what it would say to the kernel by libnl-genl is taken and
 * dropped, and each message is acknowledged at once. The functions are those of libnl-3 that keepalived 2.2 calls for it.
 */
enum { kind_finish = 1, kind_ack = 4, kinds = 16 }; /* enum nl_cb_type */

typedef int receive(void *message, void *argument);

static receive *receivers[kinds];
static void *arguments[kinds];

int genl_connect(void *socket)
{
	(void)socket;
	return 0;
}

int genl_ctrl_resolve(void *socket, const char *family)
{
	(void)socket, (void)family;
	return 42; /* any family that there could be */
}

int nl_socket_modify_cb(void *socket, int kind, int how, receive *r, void *argument)
{
	(void)socket, (void)how;
	if (kind >= 0 && kind < kinds) {
		receivers[kind] = r;
		arguments[kind] = argument;
	}
	return 0;
}

int nl_socket_modify_err_cb(void *socket, int how, void *r, void *argument)
{
	(void)socket, (void)how, (void)r, (void)argument;
	return 0;
}

int nl_send_auto(void *socket, void *message)
{
	(void)socket, (void)message;
	return 1;
}

int nl_recvmsgs_default(void *socket)
{
	static const int said[] = {kind_finish, kind_ack};

	(void)socket;
	for (unsigned i = 0; i < sizeof said / sizeof *said; i++)
		if (receivers[said[i]])
			receivers[said[i]](0, arguments[said[i]]);
	return 0;
}
